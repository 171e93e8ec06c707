export { type AuditFacts, type AuditOptions, type AuditReport, auditData } from './audit.ts';
export { type Finding, type FindingKind, findingKinds, type RowReference } from './findings.ts';
export { type Limit, type LimitName, limitTable } from './limits.ts';
export { renderAudit } from './page/render-audit.ts';
export type { AuditSource } from './posts.ts';
export type { ChosenProfile } from './profile.ts';

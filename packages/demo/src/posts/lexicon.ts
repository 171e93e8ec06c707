import type { SceneKind } from './kinds.ts';

/** Phrases between semicolons, over any number of lines. */
function phrases(text: string): readonly string[] {
  return text.trim().split(/\s*;\s+/);
}

/** The words of one kind. Every thing fits every deed, and every detail stands on its own. */
interface KindWords {
  /** Singular noun phrases, as the subject of a line. */
  things: readonly string[];
  /** What such a thing does: third person singular, without a place. */
  deeds: readonly string[];
  /** Whole clauses that tell more of the same scene. */
  details: readonly string[];
}

export const kindWords: Record<SceneKind, KindWords> = {
  wildfire: {
    things: phrases(`a wildfire; a fast-moving brush fire; a raging blaze; a wall of flames; an out-of-control bushfire;
      the largest fire of the season; a hillside fire; a wind-driven fire`),
    deeds:
      phrases(`burns through dry hills; scorches hundreds of acres; forces families to flee; jumps containment lines;
      threatens homes; sends embers across a ridge; rages for a third day; lights up the ridge`),
    details:
      phrases(`smoke turns the sky orange; firefighters battle the flames; crews dig fire breaks; ash falls on parked cars;
      water bombers circle over burning slopes; exhausted crews fight the blaze`),
  },
  flood: {
    things:
      phrases(`a flash flood; a swollen river; muddy floodwater; a burst dam; record flooding; the overflowing river;
      a sudden deluge; rising water`),
    deeds:
      phrases(`swamps whole streets; leaves houses under water; strands residents on rooftops; drowns gardens and cellars;
      cuts off low-lying homes; sweeps away a bridge; submerges parked cars; turns roads into canals`),
    details: phrases(`rescuers row from door to door; boats carry families to safety; sandbags fail to hold the river;
      torrential rain keeps falling; people wade through waist-deep water; levees give way`),
  },
  snowstorm: {
    things: phrases(`a heavy snowstorm; a blizzard; an arctic storm; deep snow; a winter storm; a sudden whiteout;
      record snowfall; freezing snow`),
    deeds:
      phrases(`buries cars and porches; closes schools; shuts mountain roads; piles up deep drifts; blankets rooftops;
      traps drivers overnight; cuts visibility to a few steps; halts trains`),
    details:
      phrases(`ploughs struggle to clear the roads; residents dig out with shovels; temperatures drop far below freezing;
      icy winds howl through the valley; children build snowmen; drifts reach the windows`),
  },
  night_city: {
    things: phrases(`the skyline; a sea of neon; the downtown district; a row of skyscrapers; the city centre;
      the business quarter; a tower block; the lit boulevard`),
    deeds: phrases(`glitters after dark; glows past midnight; shines with lit windows; sparkles under the stars;
      lights up at nightfall; stays awake all night; flickers back on after a blackout; dazzles late commuters`),
    details: phrases(`traffic leaves trails of headlights; office lights burn late; street lamps line the avenues;
      neon signs colour the pavement; nightlife fills the bars; taxis crawl between skyscrapers`),
  },
  desert: {
    things: phrases(`a vast desert; a sea of dunes; an arid plain; a sun-baked valley; a stretch of sand;
      the parched wilderness; a cactus plain; the great sand sea`),
    deeds:
      phrases(`stretches to the horizon; shimmers in the heat; bakes under a merciless sun; hides an old caravan trail;
      sees no rain for a year; draws camel trekkers; tests endurance runners; hides ancient ruins`),
    details:
      phrases(`camels cross the dunes; cacti bloom in the sand; nomads search for water; a heatwave scorches the dunes;
      travellers rest at an oasis; wind carves ripples in the sand`),
  },
  harbour: {
    things:
      phrases(`a busy harbour; the old port; a fishing port; the seaside marina; the ferry terminal; the yacht harbour;
      the waterfront; a sheltered bay`),
    deeds: phrases(`fills with white sails; welcomes sailors from abroad; hosts a regatta; waits for the tide;
      draws crowds to the quay; celebrates its fishing fleet; reopens to ferries; greets a container ship`),
    details:
      phrases(`gulls circle over the boats; fishermen mend their nets on the pier; the lighthouse guides ships home;
      yachts race past the breakwater; cranes load cargo at the docks; sailors hoist their sails`),
  },
  forest: {
    things:
      phrases(`an ancient forest; a quiet woodland; a grove of old trees; the forest park; a mossy wood; the beech forest;
      a woodland reserve; a stand of birches`),
    deeds:
      phrases(`gets a new hiking trail; shelters rare owls; wins protected status; delights hikers; turns green again;
      hides a nest of eagles; attracts mushroom pickers; grows back after logging`),
    details:
      phrases(`sunlight falls between the trunks; rangers plant thousands of saplings; deer graze among the trees;
      leaves rustle along the footpath; birdsong echoes in the canopy; botanists count rare ferns`),
  },
  stadium: {
    things:
      phrases(`the cup final; a football derby; the league match; a penalty shootout; the semi-final; a friendly match;
      the opening match; a thrilling replay`),
    deeds: phrases(`fills the stadium; ends with a late goal; brings fans to their feet; settles the championship;
      goes to extra time; delights the supporters; decides the title race; draws a record crowd`),
    details: phrases(`fans sing in the stands; the goalkeeper saves a penalty; players celebrate on the pitch;
      the referee shows a red card; the coach praises the midfield; the crowd roars at the final whistle`),
  },
};

/** Words that say nothing about the kind. Places are invented. */
export const sharedWords = {
  place:
    phrases(`Corvale; Eastmere; Port Alder; Greyfield; Lindenau; Marrow Bay; Northwick; Oakhaven; Pellworth; Quillon; Redmoor;
    Saint Orrin; Tamsin Cross; Ulverton; Vantry; Westholm; Yarrow; Ashby Ford; Brennock; Calder Point; Dunmarrow; Elmstead;
    Farrow; Glenmoor; Hartsey; Inverlay; Juniper Hill; Kestrel Bay; Lowick; Merrin`),
  near: phrases('near; outside; close to; not far from; north of; south of; west of; east of'),
  time: phrases(`on Monday; on Tuesday; on Wednesday; on Thursday; on Friday; on Saturday; on Sunday; this week; over the weekend;
    for the second year in a row`),
  source: phrases(
    'officials say; witnesses report; locals say; according to the mayor; a reporter writes; our correspondent reports',
  ),
  lead: phrases('In pictures; Live; Update; Breaking; Photo of the day; Watch; Report; Just in'),
  shows: phrases(
    `Photo shows; Picture shows; This image shows; A reader sent us this photo of; Viewers shared a picture of`,
  ),
};

/** The lines that captions are made of. Slots: {thing}, {deed}, {detail} of the kind, and the shared words by name. */
export const templates: readonly string[] = [
  '{thing} {deed} {near} {place}',
  '{thing} {deed} {near} {place} {time}',
  '{thing} {deed} {near} {place}, {source}',
  '{place}: {thing} {deed}',
  '{place}: {detail} {time}',
  '{lead}: {thing} {deed} {near} {place}',
  '{lead}: {detail} {near} {place}',
  '{detail} as {thing} {deed} {near} {place}',
  '{detail} {near} {place}, {source}',
  '{shows} {thing} {near} {place}',
  '{shows} {thing} that {deed} {near} {place}',
  '{thing} {deed}, and {detail} {near} {place}',
  '{thing} {deed} {time} while {detail} {near} {place}',
];

/** The same for what is and what was before it: {other} is a thing of the earlier scene. The words are those of the lines above. */
export const sequenceTemplates: readonly string[] = [
  '{thing} {deed} {near} {place} after {other}',
  'after {other}, {thing} {deed} {near} {place}',
  '{detail} {near} {place} after {other}',
  'after {other}, {detail} {near} {place}',
];

/** The same for two scenes at once: {other} and {otherDeed} are of the second one. */
export const pairTemplates: readonly string[] = [
  '{thing} {deed} {near} {place} while {other} {otherDeed}',
  '{thing} {deed}, and {other} {otherDeed} {near} {place}',
  '{detail} {near} {place} while {other} {otherDeed}',
  '{lead}: {thing} {deed}, {other} {otherDeed}',
];

/** What became of a row, and whether another run may change it. */
export const fates = {
  kept: { final: true, what: 'picture and words are there' },
  no_label: { final: true, what: 'no label, or one that is not a number the source uses' },
  label_conflict: { final: true, what: 'its labels contradict each other' },
  no_text: { final: true, what: 'no words' },
  no_url: { final: true, what: 'no address of a picture, and no local copy' },
  duplicate_id: { final: true, what: 'an earlier row has the same id' },
  not_found: { final: true, what: 'the host says that there is no such picture (404, 410)' },
  forbidden: { final: true, what: 'the host refuses (401, 403, 451)' },
  refused: { final: true, what: 'the host answers with another error of the asker (4xx) or an endless redirect' },
  too_large: { final: true, what: 'the file or its pixels are above the limit' },
  too_small: { final: true, what: 'a side of the picture is below the limit' },
  not_an_image: { final: true, what: 'what came is no picture by its bytes (a web page, a video)' },
  damaged: { final: true, what: 'a picture that is cut or damaged' },
  placeholder: { final: true, what: 'the picture that a host sends in place of a deleted one' },
  shared_picture: { final: true, what: 'so many rows share this picture that it says nothing' },
  rate_limited: { final: false, what: 'the host asks to slow down (429) for longer than allowed' },
  server_error: { final: false, what: 'the host fails (5xx)' },
  timeout: { final: false, what: 'no whole answer within the time allowed' },
  unreachable: { final: false, what: 'no connection, or one that broke' },
} as const satisfies Record<string, { final: boolean; what: string }>;

export type Fate = keyof typeof fates;

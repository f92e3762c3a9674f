import { anyText, later } from './key.ts'
import type { Key } from './key.ts'

/** Sealed at each start, and told to whoever asks for an erasure. */
const clause = { is: 'text', pattern: /^[^\p{Cc}]{3,200}$/u, form: 'the clause, in 3 to 200 characters,' } as const

/** Keys of a trail. */
export const TRAIL_KEYS: readonly Key[] = [
  {
    path: 'trails.*.pack',
    type: { is: 'texts' },
    default: '',
    what: 'Packs of the trail, in order of matching: names of built-in packs, or folders. `interactions` and `notifications` have theirs; every other trail needs one.',
  },
  {
    path: 'trails.*.filter',
    type: anyText,
    default: '',
    what: 'CEL over `event`, `raw`, `event_type`, `tenant`: an event is kept when it holds, besides the filter of the pack.',
  },
  { path: 'trails.*.map', type: { is: 'map' }, default: '', what: 'A transform block, `"field": "{{event.path}}"`: takes the place of the map of the pack.' },
  { path: 'trails.*.subscription.name', type: anyText, default: '', what: 'Ignored; so that a subscription can be pasted in whole.' },
  { path: 'trails.*.subscription.eventTypes', type: { is: 'texts' }, default: '', what: 'Event types kept, such as `call.stateChange`; all when left out.' },
  { path: 'trails.*.subscription.filterExpression', type: anyText, default: '', what: 'As `filter`; where both are given, both must hold.' },
  { path: 'trails.*.subscription.destinationType', type: anyText, default: '', what: 'Ignored, with a warning: events are sealed here.' },
  { path: 'trails.*.subscription.destinationId', type: anyText, default: '', what: 'Ignored, with a warning.' },
  {
    path: 'trails.*.sequence.settle',
    type: { is: 'duration' },
    default: '5s',
    what: 'Held events of one subject are released this long after its final state (every session that started has ended).',
  },
  { path: 'trails.*.sequence.quiet', type: { is: 'duration' }, default: '30s', what: 'Without a final state: released this long after the last event.' },
  { path: 'trails.*.sequence.hold', type: { is: 'duration' }, default: '5m', what: 'Released at the latest this long after the first event held.' },
  {
    path: 'trails.*.protect',
    type: { is: 'methods' },
    default: '',
    what: 'Path of a field → what becomes of it, over what the pack says: `commit`, `token`, `mask`, `verify-only`, `drop`, `refuse`, `plain`, `{ plain: BECAUSE }` and the long forms of packs (docs/packs.md). It weakens no `refuse`.',
  },
  {
    path: 'trails.*.retain.mode',
    type: { is: 'choice', of: ['COMPLIANCE', 'GOVERNANCE'], later: [] },
    default: 'COMPLIANCE',
    what: 'Lock of the segments: `COMPLIANCE` lets nobody shorten it, `GOVERNANCE` lets whoever has the right to.',
  },
  {
    path: 'trails.*.retain.period',
    type: { is: 'duration' },
    default: 'P1Y',
    what: 'How long segments are locked, from their commit on. Made longer, what is stored is locked longer, too, in the background after the start; made shorter, it is for what is sealed from then on.',
  },
  {
    path: 'trails.*.retain.detail',
    type: { is: 'duration' },
    default: '',
    what: 'Keeps the records of the trail’s own log in full for so long, at least 7 days and less than `period`; then they expire, and their daily summaries, leaf hashes and kept records stay for `period` (docs/retention.md). Nothing expires without it.',
  },
  {
    path: 'trails.*.retain.keep',
    type: anyText,
    default: '',
    what: 'CEL over `event`, the data of a sealed record: an interaction with such a record is kept in full for `period`. Personal values are not among them, nor is `raw`. Only with `detail`.',
  },
  {
    path: 'trails.*.retain.content.basis',
    type: clause,
    default: '',
    what: 'The clause that obliges to keep the *content* of what is in the trail’s own log, such as `SEC 17a-4(b)(4)`: until `content.period` is over no value in it is erased, and a request is deferred with this text in the answer. Being an audit log is no such clause (GDPR Art. 17(3) is per purpose and per record); without one, values are erased on request and records stay.',
  },
  {
    path: 'trails.*.retain.content.period',
    type: { is: 'duration' },
    default: '',
    what: 'How long, from the receipt of each record on; `retain.period` when left out, and never longer than what is kept in full. Only with `basis`.',
  },
  {
    path: 'trails.*.retain.classes.*.tags',
    type: { is: 'texts' },
    default: '',
    what: 'Regulatory tags whose subjects go to the log of this class, `<tenant>.<trail>.<class>`; its own name when left out. Upper and lower case are the same. A tag of no class goes to the longest of them, an event without a tag to the log of the trail.',
  },
  {
    path: 'trails.*.retain.classes.*.mode',
    type: { is: 'choice', of: ['COMPLIANCE', 'GOVERNANCE'], later: [] },
    default: 'COMPLIANCE',
    what: 'Lock of the segments of this class.',
  },
  {
    path: 'trails.*.retain.classes.*.period',
    type: { is: 'duration' },
    default: '',
    what: 'How long segments of this class are locked; every class needs one.',
  },
  {
    path: 'trails.*.retain.classes.*.content.basis',
    type: clause,
    default: '',
    what: 'As `retain.content.basis`, for the log of this class, and for subjects that a later event asked to keep as this class does. A class does not take over that of its trail: each needs its own.',
  },
  {
    path: 'trails.*.retain.classes.*.content.period',
    type: { is: 'duration' },
    default: '',
    what: 'How long, from the receipt of each record on; the period of the class when left out, and never longer. Only with `basis`.',
  },
  { path: 'trails.*.forward', type: later, default: '', what: 'Destinations records are delivered to.' },
  { path: 'trails.*.public', type: { is: 'boolean' }, default: 'false', what: 'Tiles and entries of the log are served to everybody, without a token.' },
]

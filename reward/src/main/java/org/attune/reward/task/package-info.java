/// Problems whose answers can be checked: made by a generator, judged by a verifier.
///
/// Read [Tasks] for what there is, [Task] for how problems are drawn and split, [TaskKind] to add
/// one, [AnswerCheck] for how completions are judged, and [TaskRows] for the files.
package org.attune.reward.task;

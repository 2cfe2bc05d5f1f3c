/// What methods that generate share: judging, held-out prompts, rounds and their settings.
///
/// Read [RoundPlan], then [Rounds] and [CompletionJudge].
package org.attune.trainers.onpolicy;

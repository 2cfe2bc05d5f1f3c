/// What methods that generate share: judging, held-out prompts, rounds and their settings.
///
/// Read [RoundPlan], then [CompletionJudge].
package org.attune.trainers.onpolicy;

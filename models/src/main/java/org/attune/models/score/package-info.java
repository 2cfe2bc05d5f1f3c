/// Reward models and process reward models that are asked, not trained. Read [AnswerScorer], then
/// [ScoreModel].
package org.attune.models.score;

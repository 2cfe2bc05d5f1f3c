/// Models that score, classify or embed texts and are asked, not trained. Read [AnswerScorer], then
/// [ScoreModel] and [Heads].
package org.attune.models.score;

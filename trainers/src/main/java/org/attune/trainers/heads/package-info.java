/// Models with a head that classifies, ranks or embeds. Read [ScoreObjective] with [HeadLoss], and
/// [EmbedSums] with [InfoNce].
package org.attune.trainers.heads;

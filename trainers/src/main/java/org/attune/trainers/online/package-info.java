/// Online preference methods: the policy completes a prompt twice, rewards say which completion is
/// the better one, and a preference loss learns from the pair. Read [OnlineDpoConfig], then
/// [OnlinePairTrainer], then [OnlinePairLoss].
package org.attune.trainers.online;

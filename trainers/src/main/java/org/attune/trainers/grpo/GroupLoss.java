package org.attune.trainers.grpo;

import org.attune.reward.AdvantageEstimator;

import java.util.Optional;

/// What a run makes of judged completions. Methods of this room differ in nothing else.
///
/// @param advantages what rewards are worth
/// @param completion what a completion adds to the loss
/// @param normaliser how completions are averaged
/// @param beta weight of the divergence from the reference, in the loss or in the reward; 0: there
///     is no reference
/// @param masksTruncated whether completions that hit their limit don't count
/// @param choice of tokens; empty: all learn
/// @param offPolicy leaves out completions that the policy has moved away from
/// @param influence weighs tokens by how the policy has moved behind them
/// @param entropy what is done about the policy's entropy
/// @param sampler how completions of another sampler are weighted; empty: as those of the policy
/// @param refill whether further prompts are completed until groups differ
/// @param replay whether groups of earlier rounds take the place of those that don't
record GroupLoss(
        AdvantageEstimator advantages,
        CompletionLoss completion,
        Normaliser normaliser,
        double beta,
        boolean masksTruncated,
        Optional<TokenChoice> choice,
        Optional<OffPolicyMask> offPolicy,
        Optional<FutureInfluence> influence,
        EntropyConfig entropy,
        Optional<SamplerCorrection> sampler,
        RefillConfig refill,
        ReplayConfig replay) {}

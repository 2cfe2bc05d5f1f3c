package org.attune.trainers.config;

import org.attune.ranks.RankBackend;
import org.attune.ranks.RankSum;
import org.attune.records.CopyMethods;

import java.util.Optional;

/// How the processes of a run work together, where there are several.
///
/// @param checkRanksSteps after every so many steps the processes compare the trained values; they
///     must be the same, bit for bit
/// @param ddpBackend what carries numbers between GPUs of several processes; empty: NCCL where it
///     can, TRL's default, else the processor's memory and MPI
/// @param ddpTimeout seconds that a process waits for the others in one call before the run ends;
///     TRL's default
/// @param zeroStage what is cut over the processes instead of being held by each, as in ZeRO: 0
///     nothing, 1 the optimizer's state, 2 gradients too, 3 weights too
/// @param shareFrozen whether processes of one machine have weights that aren't trained in memory
///     once, instead of once each
/// @param ranksSum in which order numbers of the processes are added
@CopyMethods
public record RanksConfig(
        @InRange(min = 1) int checkRanksSteps,
        Optional<RankBackend> ddpBackend,
        @InRange(min = 1) int ddpTimeout,
        RankSum ranksSum,
        @InRange(
                        min = 0,
                        max = 3,
                        message =
                                "0 cuts nothing over ranks, 1 the optimizer's state, 2 gradients"
                                        + " too, 3 weights too")
                int zeroStage,
        boolean shareFrozen)
        implements RanksConfigCopies {
    /// Whether a process keeps gradients of its part only.
    public boolean partsGradients() {
        return zeroStage >= 2;
    }

    /// Whether a process keeps its part of the weights only, but for those of a block that is being
    /// computed.
    public boolean partsWeights() {
        return zeroStage >= 3;
    }

    /// The defaults, as listed at the parameters.
    public static RanksConfig defaults() {
        return RanksConfigCopies.blank()
                .withCheckRanksSteps(100)
                .withDdpTimeout(1800)
                .withRanksSum(RankSum.FIXED)
                .withZeroStage(0)
                .withShareFrozen(true);
    }
}

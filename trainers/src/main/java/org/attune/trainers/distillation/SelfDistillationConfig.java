package org.attune.trainers.distillation;

import jakarta.validation.constraints.Positive;

import org.attune.policy.Divergence;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.RefSyncConfig;
import org.attune.trainers.config.ReferenceConfig;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// How a model learns from itself, in TRL's `SDFTConfig` and `SDPOConfig`.
///
/// @param distillationAlpha α, from forward (0) to reverse (1) divergence; in [0, 1]
/// @param distillationMode which tokens are compared at each place
/// @param distillationTopk tokens of `topk_logits`, ≥ 1; needed there
/// @param distillationAddTail whether with `topk_logits` all other tokens are one more category
/// @param teacherModelKind which weights teach
/// @param teacherUpdateRate share of the student in an `ema` teacher's update; in [0, 1]
/// @param teacherSyncSteps steps from one update to the next, ≥ 1
/// @param disableDropout whether the adapter's own dropout is off
@CopyMethods
public record SelfDistillationConfig(
        @InRange(min = 0, max = 1) double distillationAlpha,
        Mode distillationMode,
        @InRange(min = 1) OptionalInt distillationTopk,
        boolean distillationAddTail,
        Kind teacherModelKind,
        @InRange(min = 0, max = 1) double teacherUpdateRate,
        @Positive(message = "a whole number >= 1") int teacherSyncSteps,
        boolean disableDropout)
        implements SelfDistillationConfigCopies, CrossChecked {
    /// What is compared at each place.
    public enum Mode {
        /// The token that was written alone.
        SAMPLED_TOKEN,
        /// All tokens.
        FULL_LOGITS,
        /// The student's most probable tokens.
        TOPK_LOGITS
    }

    /// Which weights teach.
    public enum Kind {
        /// Those that the run begins with.
        BASE,
        /// Those of the student as it is.
        LIVE,
        /// A mean of what the student was.
        EMA
    }

    /// What TRL's defaults have in common: the token that was written is compared alone, with what
    /// the student was at the start.
    public static SelfDistillationConfig defaults() {
        return SelfDistillationConfigCopies.blank()
                .withDistillationAlpha(1)
                .withDistillationMode(Mode.SAMPLED_TOKEN)
                .withTeacherModelKind(Kind.BASE)
                .withTeacherUpdateRate(0.05)
                .withTeacherSyncSteps(1)
                .withDisableDropout(true);
    }

    /// What is minimised; empty where the tokens that were written are compared alone.
    Optional<Divergence> divergence() {
        return distillationMode == Mode.SAMPLED_TOKEN
                ? Optional.empty()
                : Optional.of(Divergence.of(distillationAlpha));
    }

    /// The student's most probable tokens that are compared; empty: all.
    OptionalInt top() {
        return distillationMode == Mode.TOPK_LOGITS ? distillationTopk : OptionalInt.empty();
    }

    /// The teacher as a reference that the student's run opens; empty if the student itself
    /// teaches.
    Optional<ReferenceConfig> reference() {
        var follows = new RefSyncConfig(true, teacherUpdateRate, teacherSyncSteps);
        return switch (teacherModelKind) {
            case BASE -> Optional.of(ReferenceConfig.defaults());
            case EMA -> Optional.of(ReferenceConfig.defaults().withSync(follows));
            case LIVE -> Optional.empty();
        };
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        if (distillationMode == Mode.SAMPLED_TOKEN && distillationAlpha != 1) {
            problems.add(
                    new ConfigProblem(
                            "distillation_alpha",
                            distillationAlpha,
                            "1 with distillation_mode: sampled_token, which has the reverse"
                                    + " divergence alone"));
        }
        if (distillationMode == Mode.TOPK_LOGITS && distillationTopk.isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "distillation_topk",
                            null,
                            "a whole number >= 1 with distillation_mode: topk_logits"));
        }
        return problems;
    }
}

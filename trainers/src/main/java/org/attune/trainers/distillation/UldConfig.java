package org.attune.trainers.distillation;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// Distillation from a teacher with another tokenizer, by universal logit distillation: TRL's
/// `GOLDConfig`.
///
/// @param useUldLoss whether the teacher reads texts with its own tokenizer
/// @param teacherTokenizerNameOrPath folder or hub name; unset: that of the teacher
/// @param useExtendedUld whether spans of text are compared that both tokenizers end in one place;
///     else tokens of equal number, as in the paper
/// @param uldTokenMergeStrategy the distribution of a span of several tokens
/// @param uldUseHybridLoss whether tokens of both vocabularies are compared by the divergence of
///     `beta`, only others by rank
/// @param uldHybridMatchedWeight weight of that divergence; unset: the share of the teacher's
///     vocabulary that is in both
/// @param uldHybridUnmatchedWeight weight of the others' distance; unset: the rest
/// @param uldCrossentropyWeight weight of the cross-entropy of the completions' tokens
/// @param uldDistillationWeight weight of the distance
/// @param uldStudentTemperature divides the student's logits in the distance
/// @param uldTeacherTemperature divides the teacher's
/// @param uldSkipStudentEos whether a completion's last token is left out of the distance
/// @param uldSkipTeacherEos whether the teacher's is
@CopyMethods
public record UldConfig(
        boolean useUldLoss,
        Optional<String> teacherTokenizerNameOrPath,
        boolean useExtendedUld,
        Merge uldTokenMergeStrategy,
        boolean uldUseHybridLoss,
        @InRange(min = 0) OptionalDouble uldHybridMatchedWeight,
        @InRange(min = 0) OptionalDouble uldHybridUnmatchedWeight,
        @InRange(min = 0) double uldCrossentropyWeight,
        @InRange(min = 0) double uldDistillationWeight,
        @InRange(min = 0, minOpen = true) double uldStudentTemperature,
        @InRange(min = 0, minOpen = true) double uldTeacherTemperature,
        boolean uldSkipStudentEos,
        boolean uldSkipTeacherEos)
        implements UldConfigCopies {
    /// What the distribution of a span is.
    public enum Merge {
        /// That behind the span's first token, times the probabilities of its other tokens behind
        /// themselves: TRL's default.
        OBSERVED,
        /// That of the span's last token, times the probabilities of those before it: the chain
        /// rule.
        BAYESIAN
    }

    /// The defaults, as listed at the parameters.
    public static UldConfig defaults() {
        return UldConfigCopies.blank()
                .withUseExtendedUld(true)
                .withUldTokenMergeStrategy(Merge.OBSERVED)
                .withUldDistillationWeight(1)
                .withUldStudentTemperature(1)
                .withUldTeacherTemperature(1)
                .withUldSkipStudentEos(true)
                .withUldSkipTeacherEos(true);
    }

    /// What doesn't go together.
    List<ConfigProblem> problems(GkdConfig run) {
        List<ConfigProblem> problems = new ArrayList<>();
        if (uldHybridMatchedWeight.isPresent() != uldHybridUnmatchedWeight.isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "uld_hybrid_matched_weight",
                            uldHybridMatchedWeight.isPresent()
                                    ? uldHybridMatchedWeight.getAsDouble()
                                    : "null",
                            "a number if uld_hybrid_unmatched_weight is one, else null"));
        }
        if (!useUldLoss) {
            return problems;
        }
        if (run.teacher().areSeveral()) {
            problems.add(
                    refused("with one teacher: those of domains have the student's tokenizer"));
        }
        if (run.agent().isOn()) {
            problems.add(refused("without tools and environments"));
        }
        if (run.loss().seqKd()) {
            problems.add(
                    refused(
                            "with seq_kd: false; have attune sample write the teacher's answers to"
                                    + " a file, and train on that"));
        }
        if (run.loss().teacherLogprobsFromRows() || run.teacher().isServed()) {
            problems.add(
                    refused(
                            "with teacher_model_name_or_path, since ranks of the whole vocabulary"
                                    + " are compared"));
        }
        return problems;
    }

    private static ConfigProblem refused(String accepted) {
        return new ConfigProblem("use_uld_loss", true, "false, or " + accepted);
    }
}

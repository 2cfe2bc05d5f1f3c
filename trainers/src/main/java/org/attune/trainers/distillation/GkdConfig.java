package org.attune.trainers.distillation;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import jakarta.validation.Valid;

import org.attune.api.Api;
import org.attune.models.ModelConfig;
import org.attune.records.CopyMethods;
import org.attune.trainers.batch.RowTokens;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.EvalConfig;
import org.attune.trainers.config.InRange;
import org.attune.trainers.config.LoraSettings;
import org.attune.trainers.config.OptimizerConfig;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.examples.RowStream;
import org.attune.trainers.onpolicy.AgentConfig;
import org.attune.trainers.onpolicy.CompletionLogConfig;
import org.attune.trainers.onpolicy.GeneratingRun;
import org.attune.trainers.onpolicy.HeldOutConfig;
import org.attune.trainers.onpolicy.RolloutSourceConfig;
import org.attune.trainers.onpolicy.Sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// A run of generalised knowledge distillation, TRL's `GKDConfig`. `GkdConfig.defaults()` has TRL's
/// defaults; model, teacher, data and output folder must be given.
///
/// @param model model and number format
/// @param lora adapter
/// @param data prompts with completions
/// @param maxLength most tokens of prompt and completion, of which the last ones are kept; empty
///     (`null` in YAML): no limit
/// @param agent tools and environments, with which completions that are generated are episodes
/// @param teacher who teaches
/// @param loss objective, and who writes the completions
/// @param uld how a teacher with another tokenizer teaches
/// @param training optimizer, schedule, batches, evaluation, checkpoints, logs
@Api(EXPERIMENTAL)
@CopyMethods
public record GkdConfig(
        @Valid ModelConfig model,
        @Valid LoraSettings lora,
        @Valid DataConfig data,
        @InRange(min = 1) OptionalInt maxLength,
        @Valid AgentConfig agent,
        @Valid TeacherConfig teacher,
        @Valid GkdLossConfig loss,
        @Valid UldConfig uld,
        @Valid TrainingConfig training)
        implements GkdConfigCopies, CrossChecked, GeneratingRun {
    private static final int DEFAULT_LENGTH = 1024;

    /// The defaults, as listed at the parameters.
    public static GkdConfig defaults() {
        return GkdConfigCopies.blank()
                .withMaxLength(DEFAULT_LENGTH)
                .withTraining(TrainingConfig.of(OptimizerConfig.sft()));
    }

    @Override
    public int maxCompletionLength() {
        return loss.maxNewTokens();
    }

    @Override
    public Sampling sampling() {
        return Sampling.defaults()
                .withTemperature(loss.temperature())
                .withTopP(loss.topP())
                .withTopK(loss.topK())
                .withGenerationSlots(loss.generationSlots());
    }

    /// Completions come from the student and the teacher.
    @Override
    public RolloutSourceConfig rollouts() {
        return RolloutSourceConfig.defaults();
    }

    /// Held-out rows have their completions.
    @Override
    public HeldOutConfig heldOut() {
        return HeldOutConfig.defaults();
    }

    /// Completions are not kept.
    @Override
    public CompletionLogConfig completionLog() {
        return CompletionLogConfig.defaults();
    }

    @Override
    public List<Optional<String>> inputs() {
        List<Optional<String>> inputs = new ArrayList<>(GeneratingRun.super.inputs());
        inputs.addAll(teacher.inputs());
        inputs.add(uld.teacherTokenizerNameOrPath());
        return inputs;
    }

    /// How long rows may be, those included that are generated.
    RowTokens lengths(List<CompletionExample> all) {
        List<CompletionExample> rows = RowStream.known(all);
        int rowsOfStep = training.batch().rowsOfStep();
        RowTokens given = RowTokens.of(GkdRows.lengthsOf(rows), rowsOfStep);
        if (!loss.generates()) {
            return given;
        }
        int longest = rows.stream().mapToInt(r -> r.tokens().completionStart()).max().orElse(0);
        RowTokens generated = RowTokens.atMost(longest + loss.maxNewTokens(), rowsOfStep);
        return new RowTokens(
                Math.max(given.longestRow(), generated.longestRow()),
                Math.max(given.wholeStep(), generated.wholeStep()));
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        var problems = new ArrayList<>(EvalConfig.needsRows(training.eval(), data));
        problems.addAll(OptimizerConfig.needsAllWeights(training, lora, model));
        problems.addAll(teacherProblems());
        problems.addAll(uld.problems(this));
        if (agent.isOn() && !loss.generates()) {
            problems.add(
                    new ConfigProblem(
                            "lmbda",
                            loss.lmbda(),
                            "more than 0, or seq_kd: true, with tools or environments, which"
                                    + " completions that are given don't need"));
        }
        int step = training.batch().rowsOfStep();
        if (step % loss.numGenerations() != 0) {
            problems.add(
                    new ConfigProblem(
                            "num_generations",
                            loss.numGenerations(),
                            "a divisor of the rows of a step, " + step));
        }
        if (loss.seqKd() && teacher.areSeveral()) {
            problems.add(
                    new ConfigProblem(
                            "seq_kd",
                            true,
                            "false with several teachers; have attune sample write each one's"
                                    + " answers to its prompts, and train on that"));
        }
        if (loss.seqKd() && teacher.isServed()) {
            problems.add(
                    new ConfigProblem(
                            "seq_kd",
                            true,
                            "false with a teacher on a server; have attune sample write the"
                                    + " server's answers to a file, and train on that"));
        }
        return problems;
    }

    private List<ConfigProblem> teacherProblems() {
        if (!loss.teacherLogprobsFromRows()) {
            return teacher.problems(1, loss.beta());
        }
        if (teacher.isNamed() || loss.generates()) {
            return List.of(
                    new ConfigProblem(
                            "teacher_logprobs_from_rows",
                            true,
                            "false, unless lmbda is 0, seq_kd false and no teacher named: the rows"
                                    + " tell what theirs said of their own completions"));
        }
        if (!teacher.lossAddTail()) {
            return List.of(
                    new ConfigProblem(
                            "loss_add_tail",
                            false,
                            "true with teacher_logprobs_from_rows: all tokens that rows don't tell"
                                    + " count as one"));
        }
        return List.of();
    }
}

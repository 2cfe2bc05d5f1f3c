package org.attune.trainers.loop;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// Listens to what happens in a run. All calls come from the training thread, in order; a listener
/// that throws ends the run, so one that may fail catches its own failures.
@Api(EXPERIMENTAL)
public interface TrainingListener {
    /// Before [#onStart], if the run goes on from a checkpoint.
    ///
    /// @param checkpoint its folder, with what the listener wrote in [#onSave]
    default void onResume(Path checkpoint) {}

    /// Before [#onStart], and after [#onResume] if the run goes on.
    ///
    /// @param identity what tells the run from others: configuration, and under names that end in
    ///     `(hash)` or `(fingerprint)` data and models
    default void onIdentity(Map<String, String> identity) {}

    /// What only shows while the run works.
    ///
    /// @param name one word; a later value takes an earlier one's place
    default void onFact(String name, String value) {}

    /// Before the first step.
    default void onStart(RunInfo info) {}

    /// Whenever the run begins or ends a piece of work, from the loading of the model on.
    ///
    /// @param phase its name in [PhaseClock#seconds], empty between phases
    /// @param evaluating whether it is part of an evaluation
    default void onPhase(String phase, boolean evaluating) {}

    /// Before every forward pass.
    ///
    /// @param tokens that it computes
    default void onPass(int tokens) {}

    /// While prompts are completed.
    ///
    /// @param done completions that have ended
    /// @param total completions that were asked for
    default void onCompleted(int done, int total) {}

    /// After every optimizer step, before it is logged.
    ///
    /// @param step optimizer steps done
    /// @param tokens of the steps that this process made
    /// @param clock time by phase so far, borrowed
    default void onStep(int step, long tokens, PhaseClock clock) {}

    /// Called at every logged step.
    ///
    /// @param step optimizer steps done
    /// @param metrics by [MetricKeys]; numbers, means over the steps since the last log. Every call
    ///     has the keys of the run's method
    default void onLog(int step, Map<String, Object> metrics) {}

    /// After the last logged step, with TRL's totals: `train_runtime`, `train_steps_per_second`,
    /// `train_loss` and `epoch`.
    ///
    /// @param step optimizer steps done
    default void onTotals(int step, Map<String, Object> totals) {}

    /// After a round of completions was judged, before it is trained on.
    ///
    /// @param round number of the round, from 0
    default void onCompletions(long round, CompletionTable table) {}

    /// After the prompts of an evaluation set were completed and judged. [#onEvaluate] follows,
    /// unless the run is stopped in between.
    ///
    /// @param set the set's name, empty for the only one
    default void onHeldOutCompletions(String set, CompletionTable table) {}

    /// After the rows of an evaluation set were measured, by methods that learn from given rows.
    /// [#onEvaluate] follows, unless the run is stopped in between.
    ///
    /// @param set the set's name, empty for the only one
    /// @param rows in the set's order; empty where a method tells nothing of single rows
    default void onHeldOutRows(String set, List<MeasuredRow> rows) {}

    /// After [#onHeldOutRows], if the policy has answered some of the rows' prompts.
    ///
    /// @param set the set's name, empty for the only one
    /// @param answers in the order of their rows
    default void onHeldOutAnswers(String set, List<WrittenAnswer> answers) {}

    /// A resumed run measured again what was held out before training, by other rewards: what
    /// [#onHeldOutCompletions] told last is what a checkpoint knew until now.
    default void onMeasuredAgain() {}

    /// The run's result is an earlier checkpoint's, as it was the best.
    ///
    /// @param checkpoint its folder
    default void onBest(Path checkpoint) {}

    /// After an evaluation; the keys start with `eval_`.
    default void onEvaluate(int step, Map<String, Object> metrics) {}

    /// When a checkpoint is about to become visible: what the listener writes into the folder is
    /// part of it.
    ///
    /// @param checkpoint a folder that is complete but for the listeners' files, and is renamed
    ///     to
    ///     `checkpoint-STEP` afterwards
    default void onSave(int step, Path checkpoint) {}

    /// After the last step and the final evaluation, also when the run was interrupted.
    default void onEnd(RunSummary summary) {}
}

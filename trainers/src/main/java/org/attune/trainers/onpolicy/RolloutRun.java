package org.attune.trainers.onpolicy;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.ReferenceKind;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A run that generates completions and has them judged, whatever it learns from them.
@Api(EXPERIMENTAL)
public interface RolloutRun extends GeneratingRun, JudgedRun {
    /// Name of the method, as in `attune grpo`.
    String method();

    /// Reference, where the divergence from it counts.
    RolloutReferenceConfig reference();

    /// What scores for the reference: the configured kind, or the default for this kind of run.
    default ReferenceKind referenceKind() {
        return reference().asReference().kind(model(), lora());
    }

    @Override
    default List<Optional<String>> inputs() {
        return List.of(model().adapterNameOrPath(), reference().refModelNameOrPath());
    }

    /// What doesn't fit of a run's rewards.
    default List<ConfigProblem> rewardProblems() {
        var problems = new ArrayList<ConfigProblem>();
        boolean recorded = rollouts().recordedRollouts().isPresent();
        boolean heldOut = !data().evalDatasets().isEmpty() || data().testSplitSize().isPresent();
        boolean environments = // which may reward, as a program may
                !agent().environments().isEmpty() || !agent().agent().isEmpty();
        if (judges().isEmpty() && !environments && (!recorded || heldOut)) {
            problems.add(
                    new ConfigProblem(
                            "reward_funcs",
                            judges(),
                            "at least one reward: a name, {name, parameters}, a .java file,"
                                    + " class:NAME or {command: [...]}"
                                    + (recorded
                                            ? "; recorded_rollouts judge no held-out rows"
                                            : "")));
        }
        if (!judges().isEmpty()) {
            problems.addAll(rewards().weightProblems(judges().size()));
        }
        return problems;
    }
}

package org.attune.trainers.onpolicy;

import org.attune.error.StopRequest;
import org.attune.rollout.RolloutSource;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.loop.HeldOutMeans;
import org.attune.trainers.loop.RunContext;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// The evaluation of a run that learns from rollouts: held-out prompts are completed and judged.
///
/// @param config says how often and how they are completed
/// @param judge of completions
/// @param source of completions
public record HeldOutPrompts(GeneratingRun config, DealtCompletions judge, RolloutSource source) {
    /// Tells the context's listeners of the completions too.
    ///
    /// @return means of rewards and completions for each set
    public List<HeldOutMeans> evaluate(List<EvalSet<PromptExample>> sets, RunContext context) {
        List<HeldOutMeans> reports = new ArrayList<>();
        for (EvalSet<PromptExample> set : sets) {
            JudgedCompletions judged = completed(set, context);
            reports.add(new HeldOutMeans(set.name(), set.rows().size(), judged.metrics()));
        }
        return reports;
    }

    /// One set's completions, of which the context's listeners are told.
    public JudgedCompletions completed(EvalSet<PromptExample> set, RunContext context) {
        StopRequest.check();
        JudgedCompletions judged = judged(set.rows());
        context.listeners().forEach(l -> l.onHeldOutCompletions(set.name(), judged.table()));
        return judged;
    }

    private JudgedCompletions judged(List<PromptExample> prompts) {
        int[] all = IntStream.range(0, prompts.size()).toArray();
        int generations = config.heldOut().generations(config);
        return judge.of(all, prompts, generations, (_, _) -> source::completeHeldOut);
    }
}

package org.attune.trainers.onpolicy;

import org.attune.reward.Completion;
import org.attune.reward.CompletionScorer;
import org.attune.reward.Prompt;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardTable;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.SampledCompletion;
import org.attune.trainers.examples.PromptExample;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Hands the completions of a round to those who judge them, each as soon as it is finished.
final class StreamingJudge implements FinishedListener {
    private final List<PromptExample> prompts;
    private final CompletionText text;
    private final CompletionScorer.Session session;
    private final Completion[] completions;
    private final Prompt[] begun;
    private final Set<String> columns = new LinkedHashSet<>();

    /// @param prompts one for each completion
    StreamingJudge(List<PromptExample> prompts, CompletionText text, CompletionScorer scorer) {
        this.prompts = prompts;
        this.text = text;
        session = scorer.begin(prompts.size());
        completions = new Completion[prompts.size()];
        begun = new Prompt[prompts.size()];
        prompts.forEach(prompt -> columns.addAll(prompt.columns().keySet()));
    }

    @Override
    public void finished(int index, SampledCompletion completion) {
        if (completions[index] != null) {
            throw new IllegalStateException("completion " + index + " was finished before");
        }
        PromptExample prompt = prompts.get(index);
        completions[index] = text.completion(prompt, completion);
        begun[index] = text.prompt(prompt, completion);
        // A function must find the same columns whatever other rows its call has.
        Map<String, Object> row = new LinkedHashMap<>();
        columns.forEach(name -> row.put(name, prompt.columns().get(name)));
        if (!completion.isFailed()) {
            session.submit(index, begun[index], completions[index], row);
        }
    }

    /// Prompts and completions, `(N)`, of which all are handed over then.
    ///
    /// @param sampled all completions; those that nobody announced are handed over now
    RewardBatch batch(List<SampledCompletion> sampled) {
        for (int i = 0; i < completions.length; i++) {
            if (completions[i] == null) {
                finished(i, sampled.get(i));
            }
        }
        Map<String, List<Object>> values = new LinkedHashMap<>();
        for (String name : columns) {
            List<Object> column = new ArrayList<>();
            prompts.forEach(prompt -> column.add(prompt.columns().get(name)));
            values.put(name, Collections.unmodifiableList(column));
        }
        return new RewardBatch(Arrays.asList(begun), Arrays.asList(completions), values);
    }

    /// Waits until everything is judged; without what environments give.
    ///
    /// @return the rewards, `(N, F)`
    RewardTable finish(RewardBatch batch) {
        return session.finish(batch);
    }
}

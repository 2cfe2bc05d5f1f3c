package org.attune.trainers.onpolicy;

import org.attune.datasets.examples.PromptExample;
import org.attune.trainers.onpolicy.CompletionJudge.Completer;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;

import java.util.List;

/// Completes prompts and finds out what a method must know of the completions.
public interface RoundCompleter {
    /// Completions in the order in which they were asked for.
    ///
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    /// @param generations completions of each
    Judged of(int[] indices, List<PromptExample> prompts, int generations, Completer completer);
}

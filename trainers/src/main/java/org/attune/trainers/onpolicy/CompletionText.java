package org.attune.trainers.onpolicy;

import org.attune.episode.Episode;
import org.attune.episode.Turn;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.rollout.SampledCompletion;
import org.attune.text.Message;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.PromptExample;

import java.util.Arrays;
import java.util.List;

/// Prompts and completions as reward functions see them: what answers a conversation is a turn of
/// the assistant's.
///
/// @param tokenizer of the policy, borrowed
public record CompletionText(Tokenizer tokenizer) {
    /// A prompt; of an episode, that with which it began.
    public Prompt prompt(PromptExample prompt, SampledCompletion sampled) {
        if (sampled.episode().isEmpty()) {
            return new Prompt(prompt.text(), prompt.messages());
        }
        Episode episode = sampled.episode().get();
        String text =
                Arrays.equals(episode.promptIds(), prompt.ids())
                        ? prompt.text()
                        : tokenizer.decode(episode.promptIds(), false);
        return new Prompt(text, episode.prompt());
    }

    /// What completes it.
    public Completion completion(PromptExample prompt, SampledCompletion sampled) {
        if (sampled.episode().isPresent()) {
            Episode episode = sampled.episode().get();
            return new Completion(
                    lastAnswer(episode), sampled.ids(), episode.messages(), sampled.episode());
        }
        String text = tokenizer.decode(sampled.ids(), true);
        List<Message> messages =
                prompt.isConversational() ? List.of(Message.of("assistant", text)) : List.of();
        return new Completion(text, sampled.ids(), messages);
    }

    /// What the model says in its last turn that was kept; empty if that only calls tools.
    private static String lastAnswer(Episode episode) {
        String last = "";
        for (Turn turn : episode.turns()) {
            last = turn.parsed().map(p -> p.message().content()).orElse(last);
        }
        return last;
    }
}

package org.attune.trainers.onpolicy;

import org.attune.datasets.examples.PromptExample;
import org.attune.reward.Completion;
import org.attune.reward.Prompt;
import org.attune.text.Message;
import org.attune.text.Tokenizer;

import java.util.List;

/// Prompts and completions as reward functions see them: what answers a conversation is a turn of
/// the assistant's.
///
/// @param tokenizer of the policy, borrowed
public record CompletionText(Tokenizer tokenizer) {
    /// A prompt.
    public Prompt prompt(PromptExample prompt) {
        return new Prompt(prompt.text(), prompt.messages());
    }

    /// What completes it.
    ///
    /// @param ids as sampled
    public Completion completion(PromptExample prompt, int[] ids) {
        String text = tokenizer.decode(ids, true);
        List<Message> messages =
                prompt.isConversational() ? List.of(Message.of("assistant", text)) : List.of();
        return new Completion(text, ids, messages);
    }
}

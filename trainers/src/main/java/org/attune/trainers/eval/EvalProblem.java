package org.attune.trainers.eval;

import org.attune.reward.Prompt;
import org.attune.reward.task.AnswerReward;
import org.attune.reward.task.Problem;
import org.attune.text.ChatTemplate;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TextAssets;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Something to be completed and judged.
///
/// @param text the prompt as it stands, or the last turn of its conversation
/// @param conversation its turns; empty if the model continues `text` as it is
/// @param columns what the reward function may read, the right answer for instance
public record EvalProblem(
        String text, Optional<Conversation> conversation, Map<String, Object> columns) {
    public EvalProblem {
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
    }

    /// A problem of a task, asked by a user.
    public static EvalProblem of(Problem problem) {
        return asked(
                List.of(Message.of("user", problem.prompt())),
                Map.of(AnswerReward.COLUMN, problem.answer()));
    }

    /// A conversation to be answered.
    public static EvalProblem asked(List<Message> messages, Map<String, Object> columns) {
        return new EvalProblem(
                messages.getLast().content(), Optional.of(Conversation.of(messages)), columns);
    }

    /// A text to be continued.
    public static EvalProblem continued(String text, Map<String, Object> columns) {
        return new EvalProblem(text, Optional.empty(), columns);
    }

    /// Token ids for this model.
    int[] encode(TextAssets assets) {
        return conversation
                .map(c -> assets.chat().encode(c, ChatTemplate.Tail.GENERATION_PROMPT).ids())
                .orElseGet(() -> assets.tokenizer().encode(text, true));
    }

    Prompt prompt() {
        return new Prompt(text, conversation.map(Conversation::messages).orElse(List.of()));
    }
}

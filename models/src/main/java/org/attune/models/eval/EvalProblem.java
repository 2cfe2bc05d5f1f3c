package org.attune.models.eval;

import org.attune.error.DatasetException;
import org.attune.reward.Prompt;
import org.attune.reward.task.AnswerReward;
import org.attune.reward.task.Problem;
import org.attune.text.ChatTemplate;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.Tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/// Something to be completed and judged.
///
/// @param text the prompt as it stands, or the last turn of its conversation
/// @param conversation its turns; empty if the model continues `text` as it is
/// @param columns what the reward function may read, the right answer for instance
/// @param where place of the row that it comes from, for messages; empty without one
public record EvalProblem(
        String text,
        Optional<Conversation> conversation,
        Map<String, Object> columns,
        String where) {
    public EvalProblem {
        columns = Collections.unmodifiableMap(new LinkedHashMap<>(columns));
    }

    /// A problem of a task, asked by a user.
    public static EvalProblem of(Problem problem) {
        return asked(
                Conversation.of(List.of(Message.of("user", problem.prompt()))),
                Map.of(AnswerReward.COLUMN, problem.answer()));
    }

    /// A conversation to be answered, with the tools that it may call.
    public static EvalProblem asked(Conversation conversation, Map<String, Object> columns) {
        return new EvalProblem(
                conversation.messages().getLast().content(),
                Optional.of(conversation),
                columns,
                "");
    }

    /// A text to be continued.
    public static EvalProblem continued(String text, Map<String, Object> columns) {
        return new EvalProblem(text, Optional.empty(), columns, "");
    }

    /// Adds the place that messages name, such as a row of a file.
    public EvalProblem from(String place) {
        return new EvalProblem(text, conversation, columns, place);
    }

    /// Puts a system message before the problem's conversation, if it is one.
    public EvalProblem withSystem(String system) {
        return new EvalProblem(text, conversation.map(c -> withSystem(c, system)), columns, where);
    }

    private static Conversation withSystem(Conversation given, String system) {
        var messages = new ArrayList<Message>();
        messages.add(Message.of("system", system));
        messages.addAll(given.messages());
        return new Conversation(messages, given.tools(), given.variables());
    }

    /// Token ids for this model.
    ///
    /// @param chat its chat template and tokenizer, asked for where they are needed
    /// @throws DatasetException naming the row whose messages the template doesn't show
    int[] encode(Tokenizer tokenizer, Supplier<ChatTokenizer> chat) {
        if (conversation.isEmpty()) {
            return tokenizer.encode(text, true);
        }
        try {
            return chat.get().encode(conversation.get(), ChatTemplate.Tail.GENERATION_PROMPT).ids();
        } catch (DatasetException e) {
            throw where.isEmpty() ? e : new DatasetException(where + ": " + e.getMessage(), e);
        }
    }

    Prompt prompt() {
        return new Prompt(text, conversation.map(Conversation::messages).orElse(List.of()));
    }
}

package org.attune.agents.loop;

import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ToolCall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/// Observations with TRL's tokens: a conversation of a user and a call without arguments is
/// rendered with and without the answers, and cut behind the tokenizer's last end-of-sequence token
/// of the latter. So a turn that ended by the token with which answers begin, as GLM's do, is
/// followed by that token once more.
public final class TrlCodec implements TurnCodec {
    private final ChatTokenizer chat;
    private final Map<String, Object> variables;

    /// @param variables further ones of the template, `chat_template_kwargs`
    public TrlCodec(ChatTokenizer chat, Map<String, Object> variables) {
        this.chat = chat;
        this.variables = new LinkedHashMap<>(variables);
    }

    @Override
    public int[] observation(int[] turn, List<ToolCall> calls, List<Message> answers) {
        var messages = new ArrayList<Message>();
        messages.add(Message.of("user", "dummy"));
        messages.add(calls.isEmpty() ? Message.of("assistant", "") : calling(answers.getFirst()));
        int[] before = encode(messages, Tail.NOTHING);
        messages.addAll(answers);
        int[] whole = encode(messages, Tail.GENERATION_PROMPT);
        int cut = cut(before);
        if (Arrays.mismatch(whole, 0, Math.min(cut, whole.length), before, 0, cut) >= 0) {
            throw new DatasetException(
                    ("the chat template %s writes a turn with a call otherwise if answers follow"
                         + " it, and TRL has no tokens for the answers; leave out trl_compat")
                            .formatted(chat.template().name()));
        }
        return Arrays.copyOfRange(whole, cut, whole.length);
    }

    private static Message calling(Message answer) {
        String name = Objects.toString(answer.fields().get("name"), null);
        return ToolCall.message(List.of(new ToolCall(Optional.empty(), name, Map.of(), "")));
    }

    private int[] encode(List<Message> messages, Tail tail) {
        return chat.encode(new Conversation(messages, List.of(), variables), tail).ids();
    }

    private int cut(int[] before) {
        OptionalInt end = chat.tokenizer().eosId();
        for (int i = before.length - 1; i >= 0 && end.isPresent(); i--) {
            if (before[i] == end.getAsInt()) {
                return i + 1;
            }
        }
        return before.length;
    }
}

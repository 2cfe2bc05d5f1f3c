package org.attune.agents.loop;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.Tokenizer;
import org.attune.text.parse.ToolCall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Looks, before a run, whether observations of a [TurnCodec] are what they should be: they show
/// each answer once and in order, end with the header of the next turn, and fit to the turn's end
/// as if both had been encoded together.
final class CodecCheck {
    private static final List<String> ANSWERS = List.of("four", "naïve 😀 — ok", "");

    private final ChatTokenizer chat;
    private final Conversation variables;
    private final TurnCodec codec;
    private final Set<Integer> endIds;

    /// @param variables without messages
    CodecCheck(ChatTokenizer chat, Conversation variables, TurnCodec codec, Set<Integer> endIds) {
        this.chat = chat;
        this.variables = variables;
        this.codec = codec;
        this.endIds = endIds;
    }

    /// @throws ConfigException if something isn't as it should be
    void run() {
        for (int count = 1; count <= ANSWERS.size(); count++) {
            List<ToolCall> calls = new ArrayList<>();
            List<Message> answers = new ArrayList<>();
            for (String text : ANSWERS.subList(0, count)) {
                calls.add(new ToolCall(Optional.empty(), "look", Map.of(), ""));
                answers.add(answer(text));
            }
            for (int end : endIds) {
                check(end, calls, answers);
            }
        }
    }

    /// Looks whether a template can render a call and its answer, as `history: template` has it do.
    ///
    /// @throws ConfigException if it can't
    static void requireHistory(ChatTokenizer chat, Map<String, Object> variables) {
        List<Message> messages = new ArrayList<>(TemplateCodec.example(1));
        messages.addAll(TemplateCodec.withIds(List.of(answer(ANSWERS.getFirst()))));
        try {
            chat.template()
                    .render(
                            new Conversation(messages, TemplateCodec.tools(List.of()), variables),
                            Tail.GENERATION_PROMPT);
        } catch (DatasetException e) {
            throw new ConfigException(
                    ("history is template, but the chat template %s can't render a turn with a call"
                                    + " and its answer anew: %s. Use history: tokens")
                            .formatted(chat.template().name(), e.getMessage()));
        }
    }

    private static Message answer(String text) {
        var fields = new LinkedHashMap<String, Object>();
        fields.put("role", "tool");
        fields.put("name", "look");
        fields.put("content", text);
        return new Message(fields);
    }

    private void check(int end, List<ToolCall> calls, List<Message> answers) {
        int[] made;
        try {
            made = codec.observation(new int[] {end}, calls, answers);
        } catch (AttuneException e) {
            throw refused("can't write %d answers of tools: %s", answers.size(), e.getMessage());
        }
        Tokenizer tokenizer = chat.tokenizer();
        String text = tokenizer.decode(made, false);
        int at = 0;
        for (Message answer : answers) {
            int found = text.indexOf(answer.content(), at);
            if (found < 0) {
                throw refused("writes \"%s\" for the answers %s", text, texts(answers));
            }
            at = found + answer.content().length();
        }
        String header = header(answers);
        if (!text.endsWith(header)) {
            throw refused(
                    "ends with \"%s\" behind answers, and not with the header of a turn, \"%s\"",
                    text.substring(Math.max(0, text.length() - 2 * header.length())), header);
        }
        String whole = tokenizer.decode(new int[] {end}, false) + text;
        int[] together = tokenizer.encode(whole, false);
        if (together.length == 0
                || together[0] != end
                || !Arrays.equals(together, 1, together.length, made, 0, made.length)) {
            throw refused("gives tokens that differ from those of its text, \"%s\"", whole);
        }
    }

    private static String texts(List<Message> answers) {
        return answers.stream().map(a -> '"' + a.content() + '"').collect(Collectors.joining(", "));
    }

    /// What begins a turn of the model behind answers; nothing where the turn before goes on.
    private String header(List<Message> answers) {
        List<Message> messages = new ArrayList<>(TemplateCodec.example(answers.size()));
        messages.addAll(answers);
        Conversation all = variables.withMessages(messages);
        try {
            String without = chat.template().render(all, Tail.NOTHING).text();
            String with = chat.template().render(all, Tail.GENERATION_PROMPT).text();
            return with.startsWith(without) ? with.substring(without.length()) : "";
        } catch (DatasetException e) {
            return ""; // of several calls, or without ids
        }
    }

    private ConfigException refused(String what, Object... values) {
        return new ConfigException(
                ("the chat template %s %s; give another one (chat_template_path), or a"
                                + " tool_protocol that writes calls and answers as plain text")
                        .formatted(chat.template().name(), what.formatted(values)));
    }
}

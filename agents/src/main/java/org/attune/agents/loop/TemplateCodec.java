package org.attune.agents.loop;

import org.attune.agents.tool.ToolSpec;
import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.TurnHeader;
import org.attune.text.parse.ToolCall;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// Observations as a chat template writes them. A small conversation with a call and the real
/// answers is rendered; in its text the place is looked for where the sampled turn ended, and what
/// stands behind it is encoded:
///
/// - behind the turn's end token, if the template writes that one. It may be the first token of the
///   answers, as GLM's is: it isn't written again;
/// - behind the template's own end token, if the turn ended by another one: that one stays;
/// - before the template's end token, if the turn has no end token, as one that a stop string
///   ended.
///
/// A control token that stands in an answer is encoded as ordinary text: no tool can end a turn.
///
/// Where a turn ends is seen from two renderings, with and without answers. So it doesn't matter
/// that templates write history otherwise than what was generated: Qwen 3's leaves out reasoning.
public final class TemplateCodec implements TurnCodec {
    /// Stands in the call's arguments or the turn's text; no template changes it.
    private static final String MARK = "qzQ7Zx";

    private static final ToolCall LOOK = new ToolCall(Optional.empty(), "look", Map.of(), "");

    private final ChatTokenizer chat;
    private final Map<String, Object> variables;
    private final Set<Integer> endIds;

    /// @param variables further ones of the template, `chat_template_kwargs`
    /// @param endIds tokens that end a turn
    public TemplateCodec(ChatTokenizer chat, Map<String, Object> variables, Set<Integer> endIds) {
        this.chat = chat.sanitizingAnswers();
        this.variables = new LinkedHashMap<>(variables);
        this.endIds = Set.copyOf(endIds);
    }

    @Override
    public int[] observation(int[] turn, List<ToolCall> made, List<Message> answers) {
        List<ToolCall> calls = made.isEmpty() ? unreadable(answers) : made;
        DatasetException first = null;
        for (boolean offersTools : new boolean[] {false, true}) {
            for (List<Message> example : examples(calls, answers)) {
                try {
                    return behind(turn, example, answers, offersTools ? tools(calls) : List.of());
                } catch (DatasetException e) {
                    first = first == null ? e : first;
                }
            }
        }
        throw first;
    }

    /// Turns that answers can follow, the first being the best. Llama 3's template, for one,
    /// refuses several calls, and SmolLM 3's shows none.
    private static List<List<Message>> examples(List<ToolCall> calls, List<Message> answers) {
        List<List<Message>> all = new ArrayList<>();
        for (int count : new int[] {calls.size(), 1, 0}) {
            if (count <= calls.size()) {
                all.add(example(count, calls, answers));
            }
        }
        return all;
    }

    /// Some templates want to be given tools, whether or not a turn calls one.
    static List<Object> tools(List<ToolCall> made) {
        List<Object> tools = new ArrayList<>();
        for (ToolCall call : made.isEmpty() ? List.of(LOOK) : made) {
            Map<String, Object> parameters = new LinkedHashMap<>();
            parameters.put("type", "object");
            parameters.put("properties", Map.of());
            tools.add(new ToolSpec(call.name(), call.name(), parameters).asTemplateValue());
        }
        return tools;
    }

    @Override
    public void check() {
        new CodecCheck(chat, conversation(List.of(), List.of()), this, endIds).run();
    }

    /// A call for a tool's message that answers none.
    private static List<ToolCall> unreadable(List<Message> answers) {
        return answers.stream()
                .filter(a -> a.role().equals("tool"))
                .limit(1)
                .map(
                        a ->
                                new ToolCall(
                                        Optional.empty(),
                                        String.valueOf(a.fields().get("name")),
                                        Map.of(),
                                        ""))
                .toList();
    }

    private int[] behind(
            int[] turn, List<Message> example, List<Message> answers, List<Object> tools) {
        String alone = chat.template().render(conversation(example, tools), Tail.NOTHING).text();
        var messages = new ArrayList<>(example);
        messages.addAll(withIds(answers));
        return chat.encodeBehind(
                conversation(messages, tools),
                Tail.GENERATION_PROMPT,
                whole ->
                        endOfTurn(
                                alone,
                                whole,
                                turn[turn.length - 1],
                                () -> header(conversation(example, tools))));
    }

    private Conversation conversation(List<Message> messages, List<Object> tools) {
        return new Conversation(messages, tools, variables);
    }

    /// A user's message and a turn with so many calls of `look`.
    static List<Message> example(int count) {
        Message answer = Message.of("tool", "");
        return example(count, Collections.nCopies(count, LOOK), Collections.nCopies(count, answer));
    }

    /// A user's message and a turn with so many calls.
    private static List<Message> example(int count, List<ToolCall> calls, List<Message> answers) {
        Message user = Message.of("user", "dummy");
        if (count == 0) {
            return List.of(user, Message.of("assistant", MARK));
        }
        var written = new ArrayList<ToolCall>();
        for (int i = 0; i < count; i++) {
            String id = id(i < answers.size() ? answers.get(i) : answers.getLast(), i);
            written.add(new ToolCall(Optional.of(id), calls.get(i).name(), Map.of(MARK, MARK), ""));
        }
        return List.of(user, ToolCall.message(written));
    }

    /// Some templates ask for ids of nine letters and digits.
    private static String id(Message answer, int place) {
        return Objects.toString(answer.fields().get("tool_call_id"), "call%05d".formatted(place));
    }

    static List<Message> withIds(List<Message> answers) {
        return IntStream.range(0, answers.size())
                .mapToObj(
                        i -> {
                            Message answer = answers.get(i);
                            if (!answer.role().equals("tool")) {
                                return answer;
                            }
                            var fields = new LinkedHashMap<>(answer.fields());
                            fields.put("tool_call_id", id(answer, i));
                            return new Message(fields);
                        })
                .toList();
    }

    /// Where the sampled turn ends in a rendering with answers.
    ///
    /// @param alone the rendering without them
    /// @param last token of the turn
    /// @param header with what headers of turns begin
    private int endOfTurn(String alone, String whole, int last, Supplier<Optional<String>> header) {
        int inAlone = alone.lastIndexOf(MARK);
        int inWhole = whole.lastIndexOf(MARK);
        if (inAlone < 0 || inWhole < 0) {
            throw new DatasetException(
                    "the chat template %s doesn't show %s"
                            .formatted(
                                    chat.template().name(),
                                    "the calls of a turn, so their answers can't follow it"));
        }
        int from = inWhole + MARK.length();
        int closed = from + common(alone, inAlone + MARK.length(), whole, from);
        Optional<String> end =
                endIds.contains(last)
                        ? Optional.of(chat.tokenizer().decode(new int[] {last}, false))
                        : Optional.empty();
        if (end.isPresent()) {
            int sampled = whole.indexOf(end.get(), from);
            if (sampled >= 0 && sampled <= closed) {
                return sampled + end.get().length();
            }
        }
        // The template ends turns by another token, which isn't written beside the sampled
        // one.
        for (int id : endIds) {
            String own = chat.tokenizer().decode(new int[] {id}, false);
            int at = whole.indexOf(own, from);
            if (!own.isEmpty() && at >= 0 && at < closed) {
                return end.isPresent() ? at + own.length() : at;
            }
        }
        // Headers may follow a turn in any case, as Command R+'s do.
        return header.get()
                .map(opening -> whole.indexOf(opening, from))
                .filter(at -> at >= 0 && at < closed)
                .orElse(closed);
    }

    private Optional<String> header(Conversation example) {
        return TurnHeader.opening(chat.template(), example, chat.tokenizer().addedTokens());
    }

    private static int common(String a, int fromA, String b, int fromB) {
        int most = Math.min(a.length() - fromA, b.length() - fromB);
        int same = 0;
        while (same < most && a.charAt(fromA + same) == b.charAt(fromB + same)) {
            same++;
        }
        return same;
    }
}

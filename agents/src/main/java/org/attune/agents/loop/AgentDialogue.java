package org.attune.agents.loop;

import org.attune.agents.gateway.ModelReply;
import org.attune.agents.gateway.ModelRequest;
import org.attune.error.DatasetException;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.parse.ToolCall;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Tokens of the requests of an agent's program. Where a request is the conversation so far with
/// more messages behind it, the tokens so far stay as they were sampled. Else it is rendered, and
/// begins another row unless it goes on with the very tokens.
final class AgentDialogue {
    private final EpisodeFormat format;
    private final History history;
    private ModelRequest last;
    private ModelReply reply;
    private String replyText = "";
    private int[] turn;
    private Transcript transcript;

    AgentDialogue(EpisodeFormat format, History history) {
        this.format = format;
        this.history = history;
    }

    /// How a request goes on.
    ///
    /// @param answers messages behind the last turn's
    /// @param observation tokens behind the last turn's
    /// @param context all tokens, where these don't begin with those so far
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Next(List<Message> answers, int[] observation, Optional<int[]> context) {
        private static final int[] NOTHING = {};

        static Next anew(int[] context) {
            return new Next(List.of(), NOTHING, Optional.of(context));
        }
    }

    /// Tokens of the row so far.
    Transcript transcript() {
        return transcript;
    }

    Next next(ModelRequest request) {
        if (reply == null) { // no turn yet, or the last one got no token: nothing is behind it
            return Next.anew(rendered(request));
        }
        Optional<Next> behind = history == History.TOKENS ? byMessages(request) : Optional.empty();
        return behind.orElseGet(() -> byTokens(rendered(request)));
    }

    private Next byTokens(int[] whole) {
        return transcript
                .behind(whole)
                .filter(observation -> observation.length > 0)
                .map(observation -> new Next(List.of(), observation, Optional.empty()))
                .orElseGet(() -> Next.anew(whole));
    }

    /// A request that has the conversation so far in front.
    private Optional<Next> byMessages(ModelRequest request) {
        if (last.text().isPresent()) {
            String before = last.text().get() + replyText;
            return request.text()
                    .filter(text -> text.startsWith(before) && text.length() > before.length())
                    .map(text -> tokens(text.substring(before.length())))
                    .map(ids -> new Next(List.of(), ids, Optional.empty()));
        }
        List<Message> messages = request.messages();
        int known = last.messages().size();
        boolean goesOn =
                request.text().isEmpty()
                        && messages.size() > known + 1
                        && request.tools().equals(last.tools())
                        && messages.subList(0, known).equals(last.messages())
                        && isReply(messages.get(known));
        if (!goesOn) {
            return Optional.empty();
        }
        List<Message> answers = messages.subList(known + 1, messages.size());
        if (answers.stream().anyMatch(message -> message.role().equals("assistant"))) {
            return Optional.empty();
        }
        try {
            int[] observation = format.codec().observation(turn, reply.calls(), answers);
            return Optional.of(new Next(answers, observation, Optional.empty()));
        } catch (DatasetException e) {
            return Optional.empty(); // the template shows them only in the whole conversation
        }
    }

    /// Whether a message is what was answered; programs leave out reasoning, and add fields.
    private boolean isReply(Message message) {
        return message.role().equals("assistant")
                && message.content().equals(reply.message().content())
                && calls(message).equals(calls(reply.calls()));
    }

    private static List<List<Object>> calls(List<ToolCall> calls) {
        return calls.stream().map(call -> List.of(call.name(), call.arguments())).toList();
    }

    private static List<?> calls(Message message) {
        return message.fields().get("tool_calls") instanceof List<?> calls
                ? calls.stream().map(AgentDialogue::nameAndArguments).toList()
                : List.of();
    }

    private static List<Object> nameAndArguments(Object call) {
        return call instanceof Map<?, ?> map && map.get("function") instanceof Map<?, ?> function
                ? Arrays.asList(function.get("name"), function.get("arguments"))
                : List.of(Objects.toString(call));
    }

    private int[] rendered(ModelRequest request) {
        if (request.text().isPresent()) {
            return tokens(request.text().get());
        }
        var conversation =
                new Conversation(request.messages(), request.tools(), format.variables());
        return format.chat().encode(conversation, Tail.GENERATION_PROMPT).ids();
    }

    private int[] tokens(String text) {
        return format.chat().tokenizer().encodeAsText(text).ids();
    }

    /// Follows a request to where the turn begins.
    void follow(ModelRequest request, Next next) {
        last = request;
        if (next.context().isEmpty()) {
            transcript.observed(next.observation());
        } else if (transcript == null) {
            transcript = new Transcript(next.context().get());
        } else {
            transcript.anew(next.context().get());
        }
    }

    /// The turn got no token: its client had gone away, or the episode's time was over.
    void withoutTurn() {
        reply = null;
        if (transcript.sampledTokens() == 0) {
            transcript = null;
        }
    }

    /// Appends the turn.
    ///
    /// @param text of it, as a program reads it
    void sampled(int[] ids, ModelReply answer, String text) {
        turn = ids.clone();
        reply = answer;
        replyText = text;
        transcript.sampled(ids);
    }
}

package org.attune.serve;

import org.attune.json.Json;
import org.attune.text.parse.TurnParser;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

/// Writes answers of a chat as OpenAI's `/v1/chat/completions` does.
final class ChatForm implements AnswerForm {
    private final ChatRequest request;
    private final String id = "chatcmpl-" + UUID.randomUUID();
    private final long created = System.currentTimeMillis() / 1000;
    private final LogProbForm logProbs;
    private final List<AnswerMessage> answers;
    private final List<List<Object>> entries; // log-probabilities that weren't sent yet
    private final List<List<Object>> ids; // tokens, if they are told
    private long tokens;

    ChatForm(ChatRequest request) {
        this.request = request;
        logProbs = new LogProbForm(request.model().tokenizer(), request.stream().byIds());
        int count = request.sampling().choices();
        answers = IntStream.range(0, count).mapToObj(_ -> answer(request)).toList();
        entries = lists(count);
        ids = lists(count);
    }

    /// What reads the answer to a request.
    static AnswerMessage answer(ChatRequest request) {
        ToolRequest tools = request.tools();
        if (tools.isForced()) {
            return new CallAnswer(tools.forced());
        }
        if (request.format().call().isPresent()) {
            return new EitherAnswer(request.format().call().get(), tools.tools());
        }
        if (request.format().constraint().isPresent()) {
            return new PlainAnswer();
        }
        TurnParser parser = request.model().protocol().parser();
        TurnParser suited = tools.tools().isEmpty() ? parser.keepingSpace() : parser;
        return new ChatAnswer(suited.open(request.prompt().text(), tools.tools()), tools);
    }

    private static List<List<Object>> lists(int count) {
        List<List<Object>> lists = new ArrayList<>();
        IntStream.range(0, count).forEach(_ -> lists.add(new ArrayList<>()));
        return lists;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public List<Map<String, Object>> messages() {
        return answers.stream().map(AnswerMessage::message).toList();
    }

    @Override
    public boolean isStream() {
        return request.stream().isStream();
    }

    @Override
    public String take(AnswerEvent event) {
        AnswerMessage answer = answers.get(event.choice());
        List<Map<String, Object>> deltas =
                switch (event) {
                    case AnswerEvent.Token token -> {
                        note(token);
                        yield answer.feed(token.text());
                    }
                    case AnswerEvent.End(int _, String text, String end, var reason, var _) ->
                            answer.finish(text, end, reason.finishReason());
                    case AnswerEvent.Failure _ -> List.of();
                };
        if (!isStream()) {
            return "";
        }
        var sent = new StringBuilder();
        deltas.forEach(delta -> sent.append(piece(event.choice(), delta)));
        if (answer.finishReason() != null) {
            sent.append(piece(event.choice(), Map.of()));
        }
        return sent.toString();
    }

    private void note(AnswerEvent.Token token) {
        tokens++;
        if (request.top() >= 0) {
            entries.get(token.choice()).add(logProbs.ofChat(token, request.top()));
        }
        if (request.stream().hasIds()) {
            ids.get(token.choice()).add((long) token.id());
        }
    }

    private Map<String, Object> logProbs(int choice) {
        if (request.top() < 0) {
            return null;
        }
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("content", List.copyOf(entries.get(choice)));
        told.put("refusal", null);
        return told;
    }

    /// @param delta empty for the last one
    private String piece(int number, Map<String, Object> delta) {
        Map<String, Object> choice = new LinkedHashMap<>();
        choice.put("index", (long) number);
        choice.put("delta", delta);
        choice.put("logprobs", logProbs(number));
        choice.put("finish_reason", delta.isEmpty() ? answers.get(number).finishReason() : null);
        if (request.stream().hasIds()) {
            choice.put("token_ids", List.copyOf(ids.get(number)));
        }
        entries.get(number).clear();
        ids.get(number).clear();
        Map<String, Object> chunk = head("chat.completion.chunk");
        chunk.put("choices", List.of(choice));
        if (request.stream().hasUsage()) {
            chunk.put("usage", null);
        }
        return AnswerForm.event(chunk);
    }

    private Map<String, Object> head(String kind) {
        return AnswerForm.head(id, kind, created, request.model().name());
    }

    private Map<String, Object> usage() {
        return AnswerForm.usage(request.prompt().ids().length, tokens);
    }

    @Override
    public String end() {
        if (isStream()) {
            var last = new StringBuilder();
            if (request.stream().hasUsage()) {
                Map<String, Object> chunk = head("chat.completion.chunk");
                chunk.put("choices", List.of());
                chunk.put("usage", usage());
                last.append(AnswerForm.event(chunk));
            }
            return last.append("data: [DONE]\n\n").toString();
        }
        List<Object> choices = new ArrayList<>();
        for (int number = 0; number < answers.size(); number++) {
            Map<String, Object> choice = new LinkedHashMap<>();
            choice.put("index", (long) number);
            choice.put("message", answers.get(number).message());
            choice.put("logprobs", logProbs(number));
            choice.put("finish_reason", answers.get(number).finishReason());
            if (request.stream().hasIds()) {
                choice.put("token_ids", ids.get(number));
            }
            choices.add(choice);
        }
        Map<String, Object> whole = head("chat.completion");
        whole.put("choices", choices);
        whole.put("usage", usage());
        if (request.stream().hasIds()) {
            whole.put("prompt_token_ids", AnswerForm.ids(request.prompt().ids()));
        }
        return Json.write(whole);
    }
}

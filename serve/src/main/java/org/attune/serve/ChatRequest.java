package org.attune.serve;

import org.attune.images.Picture;
import org.attune.text.ChatTemplate.Tail;
import org.attune.text.ChatTokenizer;
import org.attune.text.Conversation;
import org.attune.text.Message;
import org.attune.text.OpenAiMessage;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// What a chat is to be answered with.
///
/// @param prompt text and tokens, as the chat template renders the conversation
/// @param pictures of the conversation, to be held until it was read
/// @param format what the answer must look like
/// @param top how many of the likeliest tokens are told; below 0: no log-probabilities
/// @param stream how the answer is sent
record ChatRequest(
        ServedModel model,
        ChatTokenizer.Encoded prompt,
        List<Picture> pictures,
        Sampling sampling,
        ToolRequest tools,
        FormatRequest format,
        int top,
        StreamRequest stream) {
    private static final int MOST_MESSAGES = 1000;
    private static final int MOST_TOP = 20;

    private static final Set<String> KEYS = keys();

    private static final Map<String, String> REFUSED =
            Map.ofEntries(
                    Map.entry("functions", "say \"tools\""),
                    Map.entry("function_call", "say \"tool_choice\""),
                    Map.entry("audio", "the model writes text only"),
                    Map.entry("modalities", "the model writes text only"),
                    Map.entry("web_search_options", "there is no search here"),
                    Map.entry("prediction", "leave it out, it changes no answer"),
                    Map.entry("guided_json", "say \"structured_outputs\""),
                    Map.entry("guided_regex", "say \"structured_outputs\""),
                    Map.entry("guided_choice", "say \"structured_outputs\""),
                    Map.entry("prompt_logprobs", "ask /v1/completions"),
                    Map.entry("echo", "ask /v1/completions"));

    private static Set<String> keys() {
        Set<String> keys = new HashSet<>(Sampling.KEYS);
        keys.addAll(StreamRequest.KEYS);
        keys.addAll(FormatRequest.KEYS);
        keys.addAll(
                List.of(
                        "model",
                        "messages",
                        "tools",
                        "tool_choice",
                        "parallel_tool_calls",
                        "logprobs",
                        "top_logprobs",
                        "chat_template_kwargs",
                        "reasoning_effort",
                        "add_generation_prompt",
                        "continue_final_message"));
        return Set.copyOf(keys);
    }

    /// @param afterwards takes what is to be done once the request was answered
    static ChatRequest read(Fields body, ServedModels models, Consumer<Runnable> afterwards)
            throws ApiException {
        body.require(KEYS, REFUSED);
        ServedModel model = models.asked(body, Ability.WRITES, afterwards);
        ToolRequest tools = ToolRequest.read(body);
        FormatRequest format = format(body, tools);
        Conversation asked = conversation(body, tools.tools());
        return new ChatRequest(
                model,
                encode(body, model, asked),
                asked.pictures(),
                FormatRequest.ending(Sampling.read(body, model, 1), format, model),
                tools,
                format,
                top(body),
                StreamRequest.read(body));
    }

    private static FormatRequest format(Fields body, ToolRequest tools) throws ApiException {
        FormatRequest format = FormatRequest.read(body);
        if (tools.isForced()) {
            return tools.format(body);
        }
        return format.constraint().isPresent() && !tools.tools().isEmpty()
                ? format.or(FormatRequest.ofCall(body, tools.tools()))
                : format;
    }

    private static int top(Fields body) throws ApiException {
        boolean asks = body.flag("logprobs", false);
        int most = body.integer("top_logprobs", 0, MOST_TOP, -1);
        if (most > 0 && !asks) {
            throw body.bad("top_logprobs", "needs \"logprobs\": true");
        }
        return asks ? Math.max(0, most) : -1;
    }

    /// A conversation as the model reads it.
    static ChatTokenizer.Encoded prompt(Fields body, ServedModel model, List<Object> tools)
            throws ApiException {
        return encode(body, model, conversation(body, tools));
    }

    /// A conversation as a model reads it that judges conversations: nothing stands behind it,
    /// unless the request asks for the beginning of an answer.
    static ChatTokenizer.Encoded judged(Fields body, ServedModel model) throws ApiException {
        boolean prompts = body.flag("add_generation_prompt", false);
        return encode(
                model,
                conversation(body, List.of()),
                prompts ? Tail.GENERATION_PROMPT : Tail.NOTHING);
    }

    private static ChatTokenizer.Encoded encode(Fields body, ServedModel model, Conversation asked)
            throws ApiException {
        return encode(model, asked, tail(body, asked.messages()));
    }

    private static ChatTokenizer.Encoded encode(ServedModel model, Conversation asked, Tail tail)
            throws ApiException {
        model.require(asked.pictures());
        return model.chat().encode(asked, tail);
    }

    private static Conversation conversation(Fields body, List<Object> tools) throws ApiException {
        List<?> given = body.list("messages", MOST_MESSAGES);
        if (given.isEmpty()) {
            throw body.bad("messages", "is missing or empty");
        }
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < given.size(); i++) {
            try {
                messages.add(OpenAiMessage.read(given.get(i)));
            } catch (IllegalArgumentException e) {
                throw ApiException.bad("messages", "messages[%d]: %s".formatted(i, e.getMessage()));
            }
        }
        Map<String, Object> variables = new LinkedHashMap<>();
        body.text("reasoning_effort").ifPresent(e -> variables.put("reasoning_effort", e));
        Optional<Fields> further = body.object("chat_template_kwargs");
        further.ifPresent(fields -> variables.putAll(fields.all()));
        return new Conversation(messages, tools, variables);
    }

    private static Tail tail(Fields body, List<Message> messages) throws ApiException {
        boolean goesOn = body.flag("continue_final_message", false);
        boolean prompts = body.flag("add_generation_prompt", !goesOn);
        if (goesOn && prompts) {
            throw body.bad(
                    "continue_final_message", "needs \"add_generation_prompt\": false beside it");
        }
        if (goesOn && !messages.getLast().role().equals("assistant")) {
            throw body.bad("continue_final_message", "needs a last message of the assistant");
        }
        return goesOn ? Tail.CONTINUE : prompts ? Tail.GENERATION_PROMPT : Tail.NOTHING;
    }
}

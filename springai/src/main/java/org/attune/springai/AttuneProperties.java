package org.attune.springai;

import org.attune.json.Json;
import org.attune.json.JsonException;
import org.attune.models.DtypeChoice;
import org.attune.models.ModelConfig;
import org.attune.serve.ServeConfig;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/// What an application's properties say of the model that Spring Boot opens.
///
/// @param model a folder in Hugging Face layout, a GGUF file, or a name on the Hub; required
/// @param name what prompts call the model; unset: the last part of `model`
/// @param adapters folders of adapters by the names that prompts call them
/// @param takesAdapters whether others may come while it answers; without any it takes less memory
/// @param dtype format of the weights
/// @param chatTemplate file or name of a chat template that replaces the model's
/// @param maxNumSeqs most answers that are generated at once
/// @param maxModelLen most tokens of prompt and answer; unset: as [ServeConfig] has it
/// @param maxWaiting answers that may wait for their place
/// @param timeout after which an answer is given up
/// @param feedback store in which answers are kept, and whose releases answer: a file, or
///     `postgresql://HOST/DATABASE`; unset: nothing is kept
/// @param chat options of prompts that bring none
@ConfigurationProperties("spring.ai.attune")
record AttuneProperties(
        String model,
        String name,
        @DefaultValue Map<String, String> adapters,
        @DefaultValue("true") boolean takesAdapters,
        @DefaultValue("auto") DtypeChoice dtype,
        String chatTemplate,
        @DefaultValue("16") int maxNumSeqs,
        Integer maxModelLen,
        @DefaultValue("256") int maxWaiting,
        @DefaultValue("10m") Duration timeout,
        String feedback,
        @DefaultValue Chat chat) {
    /// Options of prompts that bring none.
    ///
    /// @param model the name of an adapter
    /// @param keys others of `/v1/chat/completions`, such as `seed`; texts that are JSON are read
    ///     as such
    record Chat(
            String model,
            Double temperature,
            Double topP,
            Integer topK,
            Integer maxTokens,
            Double frequencyPenalty,
            Double presencePenalty,
            List<String> stopSequences,
            @DefaultValue Map<String, Object> keys) {}

    ServeConfig config() {
        if (model == null || model.isBlank()) {
            throw new IllegalStateException(
                    "spring.ai.attune.model is missing; accepted: a folder in Hugging Face layout,"
                        + " a .gguf file, or a name on the Hub (spring.ai.model.chat chooses the"
                        + " model of another starter)");
        }
        ModelConfig base = ModelConfig.of(model).withDtype(dtype);
        ModelConfig opened = chatTemplate == null ? base : base.withChatTemplatePath(chatTemplate);
        ServeConfig config =
                ServeConfig.of(opened)
                        .withAdapters(adapters)
                        .withMaxNumSeqs(maxNumSeqs)
                        .withMaxWaiting(maxWaiting)
                        .withTimeout(timeout);
        ServeConfig sized = maxModelLen == null ? config : config.withMaxModelLen(maxModelLen);
        ServeConfig named = name == null ? sized : sized.withName(name);
        return feedback == null ? named : named.withFeedback(feedback);
    }

    /// @param standard the model itself
    AttuneChatOptions options(String standard) {
        AttuneChatOptions.Builder options =
                AttuneChatOptions.builder()
                        .model(chat.model() == null ? standard : chat.model())
                        .temperature(chat.temperature())
                        .topP(chat.topP())
                        .topK(chat.topK())
                        .maxTokens(chat.maxTokens())
                        .frequencyPenalty(chat.frequencyPenalty())
                        .presencePenalty(chat.presencePenalty())
                        .stopSequences(chat.stopSequences());
        chat.keys().forEach((key, value) -> options.set(key, read(value)));
        return options.build();
    }

    private static Object read(Object value) {
        try {
            return value instanceof String text ? Json.parse(text) : value;
        } catch (JsonException e) {
            return value; // a text
        }
    }
}

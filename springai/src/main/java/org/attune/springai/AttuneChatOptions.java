package org.attune.springai;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// Options of a prompt, with keys that Spring AI has no name for: any of `/v1/chat/completions`,
/// such as `seed`, `min_p`, `tool_choice`, `structured_outputs` or `logprobs`. `model` chooses an
/// adapter. Immutable.
@Api(EXPERIMENTAL)
public final class AttuneChatOptions extends DefaultToolCallingChatOptions
        implements StructuredOutputChatOptions {
    private final String outputSchema; // or null
    private final Map<String, Object> keys;

    private AttuneChatOptions(Builder builder, DefaultToolCallingChatOptions common) {
        super(
                common.getToolCallbacks(),
                common.getToolContext(),
                common.getModel(),
                common.getFrequencyPenalty(),
                common.getMaxTokens(),
                common.getPresencePenalty(),
                common.getStopSequences(),
                common.getTemperature(),
                common.getTopK(),
                common.getTopP());
        outputSchema = builder.outputSchema;
        keys = new LinkedHashMap<>(builder.keys);
    }

    /// The JSON schema that answers are held to, or null.
    @Override
    public String getOutputSchema() {
        return outputSchema;
    }

    /// The keys beside Spring AI's own, with their values as JSON has them.
    public Map<String, Object> getKeys() {
        return new LinkedHashMap<>(keys);
    }

    @Override
    public Builder mutate() {
        Builder builder =
                builder()
                        .model(getModel())
                        .frequencyPenalty(getFrequencyPenalty())
                        .maxTokens(getMaxTokens())
                        .presencePenalty(getPresencePenalty())
                        .stopSequences(getStopSequences())
                        .temperature(getTemperature())
                        .topK(getTopK())
                        .topP(getTopP())
                        .toolCallbacks(getToolCallbacks())
                        .toolContext(getToolContext())
                        .outputSchema(outputSchema);
        builder.keys.putAll(keys);
        return builder;
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other)
                && other instanceof AttuneChatOptions that
                && Objects.equals(outputSchema, that.outputSchema)
                && keys.equals(that.keys);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), outputSchema, keys);
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Collects options.
    public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder>
            implements StructuredOutputChatOptions.Builder<Builder> {
        private String outputSchema; // or null
        private Map<String, Object> keys = new LinkedHashMap<>();

        private Builder() {}

        /// Sets a key of `/v1/chat/completions`.
        ///
        /// @param value as JSON has it: a text, a number, a boolean, a list, a map
        public Builder set(String key, Object value) {
            keys.put(key, value);
            return this;
        }

        @Override
        public Builder outputSchema(String schema) {
            outputSchema = schema;
            return this;
        }

        @Override
        public Builder clone() {
            Builder copy = super.clone();
            copy.keys = new LinkedHashMap<>(keys);
            return copy;
        }

        @Override
        public Builder combineWith(ChatOptions.Builder<?> other) {
            super.combineWith(other);
            if (other instanceof Builder that) {
                outputSchema = that.outputSchema == null ? outputSchema : that.outputSchema;
                keys.putAll(that.keys);
            }
            return this;
        }

        @Override
        public AttuneChatOptions build() {
            return new AttuneChatOptions(this, (DefaultToolCallingChatOptions) super.build());
        }
    }
}

package org.attune.langchain4j;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;

import org.attune.api.Api;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// Parameters of a request with keys that LangChain4j has no name for: any of
/// `/v1/chat/completions`, such as `seed`, `min_p`, `structured_outputs` or `logprobs`. Immutable.
@Api(EXPERIMENTAL)
public final class AttuneChatRequestParameters extends DefaultChatRequestParameters {
    /// Says nothing.
    public static final AttuneChatRequestParameters EMPTY = builder().build();

    private final Map<String, Object> keys;

    private AttuneChatRequestParameters(Builder builder) {
        super(builder);
        keys = new LinkedHashMap<>(builder.keys);
    }

    /// The keys beside LangChain4j's own, with their values as JSON has them.
    public Map<String, Object> keys() {
        return new LinkedHashMap<>(keys);
    }

    @Override
    public AttuneChatRequestParameters overrideWith(ChatRequestParameters that) {
        return builder().overrideWith(this).overrideWith(that).build();
    }

    @Override
    public AttuneChatRequestParameters defaultedBy(ChatRequestParameters that) {
        return builder().overrideWith(that).overrideWith(this).build();
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other)
                && other instanceof AttuneChatRequestParameters that
                && keys.equals(that.keys);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), keys);
    }

    @Override
    public String toString() {
        return super.toString() + keys;
    }

    public static Builder builder() {
        return new Builder();
    }

    /// Collects parameters.
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private final Map<String, Object> keys = new LinkedHashMap<>();

        private Builder() {}

        /// Sets a key of `/v1/chat/completions`.
        ///
        /// @param value as JSON has it: a text, a number, a boolean, a list, a map
        public Builder set(String key, Object value) {
            keys.put(key, value);
            return this;
        }

        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof AttuneChatRequestParameters own) {
                keys.putAll(own.keys);
            }
            return this;
        }

        @Override
        public AttuneChatRequestParameters build() {
            return new AttuneChatRequestParameters(this);
        }
    }
}

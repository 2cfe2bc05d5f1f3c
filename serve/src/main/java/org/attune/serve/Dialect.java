package org.attune.serve;

import java.util.Map;

/// A form in which clients ask for chats and get answers. Immutable.
interface Dialect {
    /// OpenAI's `/v1/chat/completions`.
    Dialect CHAT =
            new Dialect() {
                @Override
                public Fields chat(Fields body) {
                    return body;
                }

                @Override
                public AnswerForm form(ChatRequest request, Map<String, Object> body) {
                    return new ChatForm(request);
                }
            };

    /// A request as OpenAI's `/v1/chat/completions` has it.
    ///
    /// @throws ApiException if it has keys or values that aren't accepted
    Fields chat(Fields body) throws ApiException;

    /// How its answers are written.
    ///
    /// @param body as it was sent
    AnswerForm form(ChatRequest request, Map<String, Object> body);
}

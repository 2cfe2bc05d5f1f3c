package org.attune.serve;

import java.util.List;
import java.util.Map;

/// One answer of a chat as it becomes known, in pieces and as a whole.
interface AnswerMessage {
    /// More of the model's text.
    ///
    /// @return pieces of the message, often none
    List<Map<String, Object>> feed(String text);

    /// The end of the model's text.
    ///
    /// @param text that was held back
    /// @param end the text of the token that ended it
    /// @param reason as OpenAI calls it
    /// @return the last pieces of the message
    List<Map<String, Object>> finish(String text, String end, String reason);

    /// Why it ended, or null.
    String finishReason();

    /// The whole message.
    Map<String, Object> message();
}

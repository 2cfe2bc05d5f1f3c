package org.attune.text;

import java.time.Clock;
import java.time.ZoneId;
import java.util.Map;

/// A chat template in Jinja, rendered as Hugging Face's `apply_chat_template` renders it.
public final class JinjaChatTemplate implements ChatTemplate {
    private final String source;

    private JinjaChatTemplate(String source) {
        this.source = source;
    }

    /// Compiles a template.
    ///
    /// @param name      where it comes from; stands in messages
    /// @param source    Jinja text
    /// @param variables what templates see besides the conversation; special tokens by role
    /// @param clock     the time and zone that `strftime_now` shows
    /// @throws org.attune.error.ModelException if the template has a syntax error or uses an
    ///     unknown filter, test or tag
    public static JinjaChatTemplate compile(
            String name, String source, Map<String, ?> variables, Clock clock) {
        return new JinjaChatTemplate(source);
    }

    /// Compiles a template with the system's clock.
    public static JinjaChatTemplate compile(String name, String source, SpecialTokens specials) {
        return compile(name, source, specials.byRole(), Clock.system(ZoneId.systemDefault()));
    }

    @Override
    public Rendering render(Conversation conversation, Tail tail) {
        throw new UnsupportedOperationException();
    }

    @Override
    public String source() {
        return source;
    }

    @Override
    public boolean marksAssistant() {
        throw new UnsupportedOperationException();
    }
}

package org.attune.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;

/// A compiled template. Immutable and thread-safe.
public final class JinjaTemplate {
    static {
        // Started here and not where a hostile template has used up the stack: a class whose start
        // fails once is lost for good.
        Filters.exists("");
        Tests.exists("");
        StringMethods.find("");
        Attributes.own("", "");
        Globals.scope(Clock.systemUTC());
    }

    private final String source;
    private final List<Statement> body;
    private final boolean marksAssistant;

    private JinjaTemplate(String source, Parser.Parsed parsed) {
        this.source = source;
        this.body = parsed.body();
        this.marksAssistant = parsed.marksAssistant();
    }

    /// Compiles a template.
    ///
    /// @throws JinjaException of kind `SYNTAX`, with the line, if `source` has a syntax error or
    ///     uses a tag, filter or test that doesn't exist; of kind `LIMIT` if it is too long or
    ///     nested too deeply
    public static JinjaTemplate compile(String source) {
        if (source.length() > Limits.TEMPLATE_LENGTH) {
            throw JinjaException.limit(
                    "the template has %,d characters; the limit is %,d"
                            .formatted(source.length(), Limits.TEMPLATE_LENGTH));
        }
        try {
            return new JinjaTemplate(source, Parser.parse(source));
        } catch (StackOverflowError e) {
            throw JinjaException.limit(
                    "the template is nested too deeply for the stack of its thread; take levels of"
                            + " brackets, operators or blocks out of it");
        }
    }

    /// Renders the template.
    ///
    /// @param variables what the template sees, by name; JSON values
    /// @param clock     time and zone of `strftime_now`
    /// @throws JinjaException if the template fails, with its line
    public Rendered render(Map<String, ?> variables, Clock clock) {
        var context = new Scope(Globals.scope(clock));
        variables.forEach(context::set);
        try {
            var budget = new Budget();
            return ScopedValue.where(Budget.CURRENT, budget)
                    .call(() -> new Interpreter(budget).render(body, new Scope(context)));
        } catch (StackOverflowError e) {
            throw JinjaException.limit(
                    "the template or its input is nested too deeply for the stack of its thread;"
                            + " take levels out of it");
        }
    }

    public String source() {
        return source;
    }

    /// Whether the template has `{% generation %}` blocks.
    public boolean marksAssistant() {
        return marksAssistant;
    }

    /// @param text  the whole text
    /// @param start first UTF-16 unit of each `{% generation %}` block's text, in order; -1 if the
    ///     block stands in a macro or block assignment, so that its place can't be known
    /// @param end   one past the last UTF-16 unit of each, or -1
    public record Rendered(String text, int[] start, int[] end) {}
}

package org.attune.text;

import org.attune.error.DatasetException;
import org.attune.error.ModelException;
import org.attune.jinja.JinjaException;
import org.attune.jinja.JinjaTemplate;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A chat template in Jinja, rendered as Hugging Face's `apply_chat_template` renders it. Messages
/// lose their keys whose value is null, the names of reasoning fields are aliases, and `tools` and
/// `documents` are always defined (none if there are none).
public final class JinjaChatTemplate implements ChatTemplate {
    /// Names of templates for models that bring none, written for Attune in the published form of
    /// the family that each is named after; the assistant's turns are marked.
    public static final List<String> NAMES =
            List.of(
                    "chatml", "llama3", "llama2", "mistral", "gemma", "phi3", "zephyr", "vicuna",
                    "alpaca");

    private final String name;
    private final JinjaTemplate template;
    private final Map<String, Object> variables;
    private final Clock clock;

    private JinjaChatTemplate(
            String name, JinjaTemplate template, Map<String, Object> variables, Clock clock) {
        this.name = name;
        this.template = template;
        this.variables = variables;
        this.clock = clock;
    }

    /// Compiles a template.
    ///
    /// @param name      where it comes from; stands in messages
    /// @param source    Jinja text
    /// @param variables what templates see besides the conversation; special tokens by role
    /// @param clock     the time and zone that `strftime_now` shows
    /// @throws ModelException if the template has a syntax error or uses an unknown filter, test or
    ///     tag
    public static JinjaChatTemplate compile(
            String name, String source, Map<String, ?> variables, Clock clock) {
        try {
            return new JinjaChatTemplate(
                    name,
                    JinjaTemplate.compile(source),
                    Collections.unmodifiableMap(new LinkedHashMap<>(variables)),
                    clock);
        } catch (JinjaException e) {
            throw new ModelException(
                    "chat template "
                            + name
                            + ", "
                            + e.getMessage()
                            + "; give a working one with chat_template_path",
                    e);
        }
    }

    /// Compiles one of [#NAMES].
    public static JinjaChatTemplate named(String name, SpecialTokens specials) {
        try (InputStream file =
                JinjaChatTemplate.class.getResourceAsStream("templates/" + name + ".jinja")) {
            return compile(name, new String(file.readAllBytes(), StandardCharsets.UTF_8), specials);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Compiles a template with the system's clock.
    public static JinjaChatTemplate compile(String name, String source, SpecialTokens specials) {
        return compile(name, source, specials.byRole(), Clock.system(ZoneId.systemDefault()));
    }

    @Override
    public Rendering render(Conversation conversation, Tail tail) {
        if (tail == Tail.CONTINUE) {
            return renderOpen(conversation, "content");
        }
        return render(conversation, messages(conversation), tail == Tail.GENERATION_PROMPT);
    }

    /// Renders a conversation whose last message stays open after the text of one of its fields.
    ///
    /// @param field `content`, or a field of reasoning such as `reasoning_content`
    /// @throws DatasetException if the template doesn't show that field's text
    public Rendering renderOpen(Conversation conversation, String field) {
        List<Map<String, Object>> messages = messages(conversation);
        if (messages.isEmpty()) {
            throw refused(conversation, "there is no message to continue");
        }
        var open =
                new OpenMessage(
                        messages.getLast(), field, problem -> refused(conversation, problem));
        messages.set(messages.size() - 1, open.marked(source()));
        return open.cut(render(conversation, messages, false));
    }

    private Rendering render(
            Conversation conversation, List<Map<String, Object>> messages, boolean prompt) {
        var context = new LinkedHashMap<>(variables);
        context.put("tools", conversation.tools().isEmpty() ? null : conversation.tools());
        context.put("documents", null);
        context.putAll(conversation.variables());
        context.put("messages", messages);
        context.put("add_generation_prompt", prompt);
        try {
            JinjaTemplate.Rendered rendered = template.render(context, clock);
            return new Rendering(rendered.text(), rendered.start(), rendered.end());
        } catch (JinjaException e) {
            throw new DatasetException(message(conversation, e.getMessage()), e);
        }
    }

    private DatasetException refused(Conversation conversation, String problem) {
        return new DatasetException(message(conversation, problem));
    }

    private String message(Conversation conversation, String problem) {
        List<String> roles = conversation.messages().stream().map(Message::role).toList();
        return "chat template " + name + ", " + problem + " (roles of the messages: " + roles + ")";
    }

    private static List<Map<String, Object>> messages(Conversation conversation) {
        var messages = new ArrayList<Map<String, Object>>();
        for (Message message : conversation.messages()) {
            messages.add(fields(message));
        }
        return messages;
    }

    private static Map<String, Object> fields(Message message) {
        var fields = new LinkedHashMap<>(message.fields());
        fields.values().removeIf(java.util.Objects::isNull);
        for (String alias : OpenMessage.REASONING) {
            if (fields.containsKey(alias)) {
                fields.putIfAbsent("reasoning_content", fields.get(alias));
                fields.putIfAbsent("thinking", fields.get(alias));
                break;
            }
        }
        return fields;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String source() {
        return template.source();
    }

    @Override
    public boolean marksAssistant() {
        return template.marksAssistant();
    }
}

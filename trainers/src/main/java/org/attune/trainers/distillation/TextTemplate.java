package org.attune.trainers.distillation;

import org.attune.datasets.formats.Content;
import org.attune.error.DatasetException;
import org.attune.text.Message;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.examples.PromptExample;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A text with named fields in braces, as Python's `str.format` fills it; `{{` and `}}` are braces.
record TextTemplate(String text) {
    private static final Pattern FIELD = Pattern.compile("\\{\\{|\\}\\}|\\{(\\w+)\\}");

    /// What doesn't fit of a template.
    ///
    /// @param key that holds it
    /// @param fields that it may have
    /// @param needed those of them that it must have
    static Optional<ConfigProblem> problem(
            String key, String template, List<String> fields, List<String> needed) {
        List<String> named =
                FIELD.matcher(template)
                        .results()
                        .map(found -> found.group(1))
                        .filter(Objects::nonNull)
                        .toList();
        boolean stray = FIELD.matcher(template).replaceAll("").matches("(?s).*[{}].*");
        if (!stray && fields.containsAll(named) && named.containsAll(needed)) {
            return Optional.empty();
        }
        List<String> others = fields.stream().filter(field -> !needed.contains(field)).toList();
        String accepted =
                "a text with %s%s; {{ and }} stand for single braces"
                        .formatted(
                                needed.isEmpty() ? "" : braced(needed),
                                others.isEmpty()
                                        ? ""
                                        : (needed.isEmpty() ? "" : ", and if wanted ")
                                                + braced(others));
        return Optional.of(new ConfigProblem(key, template, accepted));
    }

    private static String braced(List<String> fields) {
        return fields.stream().map(f -> "{" + f + "}").collect(Collectors.joining(" and "));
    }

    /// The text with its fields filled.
    ///
    /// @param values of all fields
    String filled(Map<String, String> values) {
        return FIELD.matcher(text)
                .replaceAll(
                        found ->
                                Matcher.quoteReplacement(
                                        switch (found.group()) {
                                            case "{{" -> "{";
                                            case "}}" -> "}";
                                            default -> values.get(found.group(1));
                                        }));
    }

    /// A prompt whose text is replaced; of a conversation, that of its last message.
    ///
    /// @param words makes the new text of the old one
    /// @throws DatasetException if the conversation ends with another message than a user's
    static Content reworded(PromptExample prompt, UnaryOperator<String> words) {
        if (!prompt.isConversational()) {
            return new Content.Text(words.apply(prompt.text()));
        }
        List<Message> turns = prompt.messages();
        Message last = turns.getLast();
        if (!last.role().equals("user")) {
            throw new DatasetException(
                    "%s: the prompt ends with a message of %s; accepted: of user, whose text goes into the teacher's template"
                            .formatted(prompt.origin().where(), last.role()));
        }
        List<Message> all = new ArrayList<>(turns.subList(0, turns.size() - 1));
        all.add(Message.of("user", words.apply(last.content())));
        return new Content.Turns(all);
    }
}

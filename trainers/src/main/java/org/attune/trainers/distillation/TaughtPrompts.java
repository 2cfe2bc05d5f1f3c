package org.attune.trainers.distillation;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.RowPreparation;
import org.attune.trainers.prepare.Shaped;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/// Prepares prompts for a model that teaches itself: beside each prompt stands the one that the
/// teacher reads, into which a template puts what the student isn't told.
///
/// @param prompts prepares both
/// @param template with `{prompt}` and `{privileged_context}`; `{{` and `}}` are braces
record TaughtPrompts(PromptPreparation prompts, String template)
        implements RowPreparation<PromptExample> {
    /// Column of what the student isn't told.
    static final String COLUMN = "privileged_context";

    /// What doesn't fit of a template.
    static Optional<ConfigProblem> problem(String template) {
        List<String> fields = List.of("prompt", COLUMN);
        return TextTemplate.problem("teacher_prompt_template", template, fields, fields);
    }

    @Override
    public BadRowPolicy onBadRow() {
        return prompts.onBadRow();
    }

    @Override
    public Shaped<PromptExample> shape(Sample sample) {
        return switch (prompts.shape(sample)) {
            case Shaped.Kept<PromptExample>(PromptExample own, int before, int after) ->
                    switch (prompts.shape(taught(sample, own))) {
                        case Shaped.Kept<PromptExample>(PromptExample read, _, _) ->
                                new Shaped.Kept<>(own.withTaught(read), before, after);
                        case Shaped.Left<PromptExample>(_, String detail) ->
                                new Shaped.Left<>(
                                        "the teacher's prompt is longer than max_prompt_length",
                                        detail);
                    };
            case Shaped.Left<PromptExample> left -> left;
        };
    }

    private Sample taught(Sample sample, PromptExample own) {
        String told = told(sample.row().columns().get(COLUMN));
        Content content =
                TextTemplate.reworded(
                        own,
                        prompt ->
                                new TextTemplate(template)
                                        .filled(Map.of("prompt", prompt, COLUMN, told)));
        return new Sample.PromptOnly(content, sample.options(), sample.row());
    }

    /// A text as it is, of messages their texts in lines.
    private static String told(Object value) {
        return switch (value) {
            case String text -> text;
            case List<?> messages
                    when !messages.isEmpty()
                            && messages.stream().allMatch(TaughtPrompts::isMessage) ->
                    messages.stream()
                            .map(m -> (String) ((Map<?, ?>) m).get("content"))
                            .filter(text -> !text.isEmpty())
                            .collect(Collectors.joining("\n"));
            case null, default ->
                    throw new DatasetException(
                            "%s is %s; accepted: a text, or a list of messages, which the teacher reads and the student doesn't"
                                    .formatted(COLUMN, value == null ? "missing" : value));
        };
    }

    private static boolean isMessage(Object value) {
        return value instanceof Map<?, ?> message && message.get("content") instanceof String;
    }

    @Override
    public long trained(PromptExample prompt) {
        return prompts.trained(prompt);
    }

    @Override
    public String refusal() {
        return "the row can't be taught";
    }

    @Override
    public String limit() {
        return prompts.limit();
    }
}

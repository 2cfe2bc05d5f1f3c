package org.attune.datasets.formats;

import org.attune.datasets.rows.Row;
import org.attune.text.Conversation;
import org.attune.text.Message;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Columns of a row that its chat template gets besides messages.
///
/// @param tools     JSON schemas (column `tools`), or empty
/// @param variables template variables (column `chat_template_kwargs`)
public record TemplateOptions(List<Object> tools, Map<String, Object> variables) {
    /// Options with neither tools nor variables.
    public static final TemplateOptions NONE = new TemplateOptions(List.of(), Map.of());

    public TemplateOptions {
        tools = List.copyOf(tools);
        variables = new LinkedHashMap<>(variables);
    }

    /// Those of a row.
    ///
    /// @throws org.attune.error.DatasetException if a column holds something else
    public static TemplateOptions of(Row row) {
        return SampleReader.options(row);
    }

    /// The conversation of these messages, one list after the other.
    public Conversation conversation(List<Message> first, List<Message> second) {
        var messages = new ArrayList<>(first);
        messages.addAll(second);
        return new Conversation(messages, tools, variables);
    }
}

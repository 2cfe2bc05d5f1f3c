package org.attune.trainers.prepare;

import org.attune.datasets.formats.TemplateOptions;
import org.attune.error.DatasetException;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a run's chat template gets for all rows.
///
/// @param tools JSON schemas, which take the place of a row's own; empty: the row's
/// @param variables of the template; those of a row go first
/// @param areEpisodes whether episodes of many turns follow the prompts. Prompts of plain text are
///     refused then, and variables of a row too: turns behind the first have the run's alone
public record SharedOptions(
        List<Object> tools, Map<String, Object> variables, boolean areEpisodes) {
    /// Nothing.
    public static final SharedOptions NONE = new SharedOptions(List.of(), Map.of(), false);

    public SharedOptions {
        tools = List.copyOf(tools);
        variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    }

    /// Refuses a row whose own variables of the template turns behind the first wouldn't have.
    ///
    /// @throws DatasetException saying so
    void requireFor(TemplateOptions row) {
        if (areEpisodes && !row.variables().isEmpty()) {
            throw new DatasetException(
                    "the row has chat_template_kwargs of its own; episodes have those of the run"
                            + " alone, so write them there, or leave the column out");
        }
    }

    /// Joins the options of a row with these.
    TemplateOptions of(TemplateOptions row) {
        Map<String, Object> all = new LinkedHashMap<>(variables);
        all.putAll(row.variables());
        return new TemplateOptions(tools.isEmpty() ? row.tools() : tools, all);
    }
}

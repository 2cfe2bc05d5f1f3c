package org.attune.jinja;

import java.util.HashMap;
import java.util.Map;

/// All filters: what may stand after `|`.
final class Filters {
    private static final Map<String, Builtin> FILTERS = new HashMap<>();

    static {
        TextFilters.register(Filters::define);
        NumberFilters.register(Filters::define);
        SequenceFilters.register(Filters::define);
        SelectionFilters.register(Filters::define);
        FILTERS.put("tojson", JsonText.FILTER);
    }

    private Filters() {}

    /// Where the groups of filters put theirs.
    interface Registry {
        /// @param parameters as in [Builtin#of]; the first is the filtered value
        void define(String name, String parameters, Builtin.Body body);
    }

    private static void define(String name, String parameters, Builtin.Body body) {
        FILTERS.put(name, Builtin.of(name, parameters, body));
    }

    static boolean exists(String name) {
        return FILTERS.containsKey(name);
    }

    /// @param arguments the filtered value and the filter's arguments
    static Object apply(String name, Arguments arguments) {
        Builtin filter = FILTERS.get(name);
        if (filter == null) {
            throw JinjaException.of(
                    JinjaException.Kind.SYNTAX, "No filter named " + Repr.of(name) + " found.");
        }
        Budget.charge(1);
        Budget.text(arguments.positional().getFirst());
        return Budget.text(filter.call(arguments));
    }
}

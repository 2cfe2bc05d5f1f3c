package org.attune.jinja;

import org.attune.jinja.Statement.MacroCode;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

/// A macro, or the body of a call block (`caller`), with the variables it can see.
final class Macro implements Invocable, HasAttributes {
    private final MacroCode code;
    private final Scope outer;
    private final Body body;

    /// Renders a macro's code.
    interface Body {
        /// @param scope   the macro's variables
        /// @param missing parameters that got no value, so that defaults apply
        Object render(MacroCode code, Scope scope, Set<String> missing);
    }

    /// @param outer variables around the definition
    Macro(MacroCode code, Scope outer, Body body) {
        this.code = code;
        this.outer = outer;
        this.body = body;
    }

    @Override
    public String name() {
        return code.name();
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "name" -> code.name();
            case "arguments" -> new Tuple(arguments());
            case "catch_varargs" -> code.varargs();
            case "catch_kwargs" -> code.kwargs();
            case "caller" -> code.caller();
            default -> Absent.ABSENT;
        };
    }

    @Override
    public Object call(Arguments arguments) {
        var scope = new Scope(outer);
        List<String> parameters = code.parameters();
        Budget.items(parameters.size() + arguments.named().size());
        List<Object> positional = arguments.positional();
        var named = new LinkedHashMap<>(arguments.named());
        var missing = new HashSet<String>();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            if (i < positional.size()) {
                scope.set(parameter, positional.get(i));
            } else if (named.containsKey(parameter)) {
                scope.set(parameter, named.remove(parameter));
            } else {
                scope.declare(parameter);
                missing.add(parameter);
            }
        }
        if (code.caller()) {
            Object none = Undefined.because("No caller defined");
            scope.set("caller", named.containsKey("caller") ? named.remove("caller") : none);
        }
        if (code.kwargs()) {
            scope.set("kwargs", named);
        } else if (!named.isEmpty()) {
            throw refused("takes no keyword argument " + Repr.of(named.keySet().iterator().next()));
        }
        if (code.varargs()) {
            int from = Math.min(parameters.size(), positional.size());
            scope.set("varargs", new Tuple(positional.subList(from, positional.size())));
        } else if (positional.size() > parameters.size()) {
            throw refused("takes not more than " + parameters.size() + " argument(s)");
        }
        return body.render(code, scope, missing);
    }

    private List<Object> arguments() {
        Budget.items(code.parameters().size());
        return new ArrayList<>(code.parameters());
    }

    private JinjaException refused(String problem) {
        return JinjaException.type("macro " + Repr.of(code.name()) + " " + problem);
    }
}

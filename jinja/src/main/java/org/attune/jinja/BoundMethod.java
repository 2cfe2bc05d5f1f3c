package org.attune.jinja;

import java.util.Set;

/// A method with the object it belongs to.
record BoundMethod(Object owner, Builtin method) implements Invocable {
    /// Methods that don't look at the whole text.
    private static final Set<String> QUICK = Set.of("startswith", "endswith");

    @Override
    public String name() {
        return method.name();
    }

    @Override
    public Object call(Arguments arguments) {
        if (!QUICK.contains(method.name())) {
            Budget.text(owner);
        }
        Object result = Budget.text(method.call(arguments.after(owner)));
        return owner instanceof Markup && result instanceof String text ? new Markup(text) : result;
    }
}

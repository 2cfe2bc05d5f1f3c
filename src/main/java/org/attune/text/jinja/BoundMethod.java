package org.attune.text.jinja;

/// A method with the object it belongs to.
record BoundMethod(Object owner, Builtin method) implements Invocable {
    @Override
    public String name() {
        return method.name();
    }

    @Override
    public Object call(Arguments arguments) {
        Object result = method.call(arguments.after(owner));
        return owner instanceof Markup && result instanceof String text ? new Markup(text) : result;
    }
}

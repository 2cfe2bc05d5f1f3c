package org.attune.text.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/// Python's generator: can be gone through once, makes its items on the way.
final class Generator implements Iterable<Object> {
    private final Iterator<Object> items;

    Generator(Iterator<Object> items) {
        this.items = items;
    }

    static Generator mapped(Iterator<Object> source, UnaryOperator<Object> function) {
        return new Generator(
                new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return source.hasNext();
                    }

                    @Override
                    public Object next() {
                        return function.apply(source.next());
                    }
                });
    }

    static Generator filtered(Iterator<Object> source, Predicate<Object> wanted) {
        return new Generator(
                new Iterator<>() {
                    private boolean ready;
                    private Object next;

                    @Override
                    public boolean hasNext() {
                        while (!ready && source.hasNext()) {
                            next = source.next();
                            ready = wanted.test(next);
                        }
                        return ready;
                    }

                    @Override
                    public Object next() {
                        if (!hasNext()) {
                            throw new NoSuchElementException();
                        }
                        ready = false;
                        return next;
                    }
                });
    }

    @Override
    public Iterator<Object> iterator() {
        return items;
    }
}

package org.attune.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/// Python's generator: can be gone through once, makes its items on the way. Nothing of it is
/// looked at before its first item is asked for, not even whether there is something to go through.
final class LazySequence implements Iterable<Object> {
    private final Iterator<Object> items;

    private LazySequence(Iterator<Object> items) {
        this.items = items;
    }

    /// @param source makes the iterator when the first item is asked for
    static LazySequence of(Supplier<Iterator<Object>> source) {
        return new LazySequence(
                new Iterator<>() {
                    private Iterator<Object> items;

                    private Iterator<Object> items() {
                        if (items == null) {
                            items = source.get();
                        }
                        return items;
                    }

                    @Override
                    public boolean hasNext() {
                        return items().hasNext();
                    }

                    @Override
                    public Object next() {
                        Budget.charge(1);
                        return items().next();
                    }
                });
    }

    static Iterator<Object> mapped(Iterator<Object> source, UnaryOperator<Object> function) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return source.hasNext();
            }

            @Override
            public Object next() {
                return function.apply(source.next());
            }
        };
    }

    static Iterator<Object> filtered(Iterator<Object> source, Predicate<Object> wanted) {
        return new Iterator<>() {
            private boolean ready;
            private Object next;

            @Override
            public boolean hasNext() {
                while (!ready && source.hasNext()) {
                    Budget.charge(1);
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
        };
    }

    @Override
    public Iterator<Object> iterator() {
        return items;
    }
}

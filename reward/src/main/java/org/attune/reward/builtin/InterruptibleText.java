package org.attune.reward.builtin;

/// A text whose reading stops when its thread is interrupted: a pattern that backtracks without
/// end can be given up.
record InterruptibleText(CharSequence text) implements CharSequence {
    @Override
    public char charAt(int index) {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("the pattern took too long and was interrupted");
        }
        return text.charAt(index);
    }

    @Override
    public int length() {
        return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
        return new InterruptibleText(text.subSequence(start, end));
    }

    @Override
    public String toString() {
        return text.toString();
    }
}

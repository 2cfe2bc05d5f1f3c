package org.attune.reward.builtin;

/// A complex number, for values of expressions. Functions have the principal branch.
record Complex(double re, double im) {
    static final Complex ONE = new Complex(1, 0);
    static final Complex I = new Complex(0, 1);
    private static final double[] LANCZOS = {
        0.99999999999980993,
        676.5203681218851,
        -1259.1392167224028,
        771.32342877765313,
        -176.61502916214059,
        12.507343278686905,
        -0.13857109526572012,
        9.9843695780195716e-6,
        1.5056327351493116e-7
    };

    static Complex of(double re) {
        return new Complex(re, 0);
    }

    boolean isReal() {
        return Math.abs(im) <= 1e-12 * (1 + Math.abs(re));
    }

    Complex plus(Complex other) {
        return new Complex(re + other.re, im + other.im);
    }

    Complex minus(Complex other) {
        return new Complex(re - other.re, im - other.im);
    }

    Complex times(Complex other) {
        if (im == 0 && other.im == 0) {
            return of(re * other.re); // infinities stay real
        }
        return new Complex(re * other.re - im * other.im, re * other.im + im * other.re);
    }

    Complex over(Complex other) {
        if (im == 0 && other.im == 0) {
            return of(other.re == 0 ? Double.NaN : re / other.re);
        }
        double size = other.re * other.re + other.im * other.im;
        return new Complex(
                (re * other.re + im * other.im) / size, (im * other.re - re * other.im) / size);
    }

    double abs() {
        return Math.hypot(re, im);
    }

    Complex exp() {
        double size = Math.exp(re);
        return im == 0 ? of(size) : new Complex(size * Math.cos(im), size * Math.sin(im));
    }

    Complex log() {
        return new Complex(Math.log(abs()), Math.atan2(im, re));
    }

    Complex power(Complex exponent) {
        if (im == 0 && exponent.im == 0) {
            boolean whole = exponent.re == Math.rint(exponent.re);
            if (re >= 0 || whole) {
                return of(re == 0 && exponent.re < 0 ? Double.NaN : Math.pow(re, exponent.re));
            }
        }
        if (re == 0 && im == 0) {
            return of(exponent.re > 0 ? 0 : Double.NaN);
        }
        return exponent.times(log()).exp();
    }

    Complex sin() {
        return im == 0
                ? of(Math.sin(re))
                : new Complex(Math.sin(re) * Math.cosh(im), Math.cos(re) * Math.sinh(im));
    }

    Complex cos() {
        return im == 0
                ? of(Math.cos(re))
                : new Complex(Math.cos(re) * Math.cosh(im), -Math.sin(re) * Math.sinh(im));
    }

    Complex sinh() {
        return exp().minus(of(0).minus(this).exp()).over(of(2));
    }

    Complex cosh() {
        return exp().plus(of(0).minus(this).exp()).over(of(2));
    }

    Complex asin() {
        if (im == 0 && Math.abs(re) <= 1) {
            return of(Math.asin(re));
        }
        Complex root = ONE.minus(times(this)).power(of(0.5));
        return of(0).minus(I).times(I.times(this).plus(root).log());
    }

    Complex atan() {
        if (im == 0) {
            return of(Math.atan(re));
        }
        Complex turned = I.times(this);
        return I.over(of(2)).times(ONE.minus(turned).log().minus(ONE.plus(turned).log()));
    }

    /// `x!`, between whole numbers by the gamma function.
    Complex factorial() {
        if (im != 0 || re < -0.5 || re > 170) {
            return of(Double.NaN);
        }
        if (re == Math.rint(re)) {
            double product = 1;
            for (int i = 2; i <= re; i++) {
                product *= i;
            }
            return of(product);
        }
        double sum = LANCZOS[0];
        for (int i = 1; i < LANCZOS.length; i++) {
            sum += LANCZOS[i] / (re + i);
        }
        double t = re + LANCZOS.length - 1.5;
        return of(Math.sqrt(2 * Math.PI) * Math.pow(t, re + 0.5) * Math.exp(-t) * sum);
    }
}

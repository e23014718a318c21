//! Every order of inputs on one call of a bare phone.

package com.google.android.gms.tasks;

/** Stands in for Google's class of this name: never done. */
public class Task<T> {
    public Task<T> addOnSuccessListener(OnSuccessListener<? super T> listener) {
        return this;
    }
}

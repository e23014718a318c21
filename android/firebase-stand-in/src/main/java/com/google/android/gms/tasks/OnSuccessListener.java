package com.google.android.gms.tasks;

/** Stands in for Google's interface of this name. */
public interface OnSuccessListener<T> {
    void onSuccess(T result);
}

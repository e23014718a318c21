/* Empty: the library behind include/SidetoneFFI.h is linked. */

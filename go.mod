module github.com/passare/qbo-sync

go 1.26
